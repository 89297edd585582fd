import { setImmediate as turn } from 'node:timers/promises'
import type { Entry, ServerStore, Stored, Version } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Call, isLinearizable } from './history.js'
import { newScope, openStore, succeed } from './stores.js'

const KEYS = ['a', 'A', 'ab'] as const
const NOW = 1_700_000_000_000

const entries: fc.Arbitrary<Entry> = fc.record({
  data: fc.string({ unit: 'binary', maxLength: 8 }),
  expiresAt: fc.integer({ min: NOW - 2, max: NOW + 2 }),
})

/** What a sequential store would hold. A read of the model is a read of the store, version included. */
interface Model {
  readonly entries: Map<string, Stored>
  /** Every version that any write of the run resolved with. */
  readonly versions: Version[]
}

type Stores = readonly [ServerStore, ServerStore]
type Command = fc.AsyncCommand<Model, Stores>

function command(title: string, run: (model: Model, stores: Stores) => Promise<void>): Command {
  return { check: () => true, run, toString: () => title }
}

function noteWrite(model: Model, key: string, { data, expiresAt }: Entry, version: Version | null): void {
  if (version === null) throw new Error('the write was refused')
  expect(model.versions).not.toContain(version)
  model.versions.push(version)
  model.entries.set(key, { data, expiresAt, version })
}

const instances = fc.constantFrom<0 | 1>(0, 1)
const keys = fc.constantFrom(...KEYS)

const creates = fc.tuple(instances, keys, entries).map(([on, key, entry]) =>
  command(`create ${on} ${key} ${JSON.stringify(entry)}`, async (model, stores) => {
    const version = await stores[on].create(key, entry)
    if (model.entries.has(key)) expect(version).toBeNull()
    else noteWrite(model, key, entry, version)
  }),
)

const reads = fc.tuple(instances, keys).map(([on, key]) =>
  command(`read ${on} ${key}`, async (model, stores) => {
    expect(await stores[on].read(key)).toEqual(model.entries.get(key) ?? null)
  }),
)

const updates = fc.tuple(instances, keys, entries).map(([on, key, entry]) =>
  command(`update ${on} ${key} ${JSON.stringify(entry)}`, async (model, stores) => {
    const current = model.entries.get(key)
    const version = await stores[on].update(key, entry, current?.version ?? 'unknown')
    if (current === undefined) expect(version).toBeNull()
    else noteWrite(model, key, entry, version)
  }),
)

const staleUpdates = fc.tuple(instances, keys, entries, fc.nat()).map(([on, key, entry, pick]) =>
  command(`stale update ${on} ${key} ${JSON.stringify(entry)} ${pick}`, async (model, stores) => {
    const stale = model.versions.filter((version) => version !== model.entries.get(key)?.version)
    const version = stale[pick % stale.length] ?? 'none yet'
    expect(await stores[on].update(key, entry, version)).toBeNull()
  }),
)

const destroys = fc.tuple(instances, keys).map(([on, key]) =>
  command(`destroy ${on} ${key}`, async (model, stores) => {
    await stores[on].destroy(key)
    model.entries.delete(key)
  }),
)

const prunes = fc.tuple(instances, fc.integer({ min: NOW - 3, max: NOW + 3 })).map(([on, now]) =>
  command(`prune ${on} ${now}`, async (model, stores) => {
    const expired = [...model.entries].filter(([, { expiresAt }]) => expiresAt <= now)
    expect(await stores[on].prune?.(now)).toBe(expired.length)
    for (const [key] of expired) model.entries.delete(key)
  }),
)

describe('9 everything at once', () => {
  it('9.1 agrees with a model at every step', async () => {
    const commands = fc.commands([creates, reads, updates, staleUpdates, destroys, prunes], { maxCommands: 60 })
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        const scope = newScope()
        const real: Stores = [openStore({ scope }), openStore({ scope })]
        await fc.asyncModelRun(() => ({ model: { entries: new Map(), versions: [] }, real }), sequence)
        await Promise.all(real.map((store) => store.close()))
      }),
      { numRuns: 500 },
    )
  })

  it('9.2 is linearizable over two instances', async () => {
    const kinds = fc.constantFrom('create', 'read', 'update', 'destroy')
    const clients = fc.array(fc.array(fc.tuple(kinds, fc.nat({ max: 2 })), { minLength: 1, maxLength: 4 }), {
      minLength: 2,
      maxLength: 4,
    })
    await fc.assert(
      fc.asyncProperty(clients, async (scripts) => {
        const scope = newScope()
        const stores: Stores = [openStore({ scope }), openStore({ scope })]
        const calls: Call[] = []
        let clock = 0
        let writes = 0

        async function record<T>(title: string, start: () => Promise<T>, judge: (result: T) => Call['apply']) {
          const began = ++clock
          const result = await start()
          calls.push({ title: `${title} → ${JSON.stringify(result)}`, began, ended: ++clock, apply: judge(result) })
          return result
        }

        async function play(store: ServerStore, script: (typeof scripts)[number]): Promise<void> {
          let held = 'unknown'
          for (const [kind, turns] of script) {
            for (let n = 0; n < turns; n++) await turn()
            const entry = { data: `${++writes}`, expiresAt: NOW }
            const known = held
            switch (kind) {
              case 'create':
                held = (await record(`create ${entry.data}`, () => store.create('key', entry), created(entry))) ?? held
                break
              case 'read':
                held = (await record('read', () => store.read('key'), seen))?.version ?? held
                break
              case 'update':
                held =
                  (await record(`update ${known}`, () => store.update('key', entry, known), updated(entry, known))) ??
                  held
                break
              case 'destroy':
                await record(
                  'destroy',
                  () => store.destroy('key'),
                  () => () => null,
                )
                break
            }
          }
        }

        await Promise.all(scripts.map((script, client) => play(stores[client % 2 === 0 ? 0 : 1], script)))
        await Promise.all(stores.map((store) => store.close()))
        const history = calls.map(({ title, began, ended }) => `${began}–${ended} ${title}`)
        expect(isLinearizable(calls) ? [] : history).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  it('9.2 catches a history that no order explains', async () => {
    const store = openStore()
    const entry = { data: 'data', expiresAt: NOW }
    const version = await succeed(store.create('key', entry))
    const create = { title: 'create', began: 1, ended: 2, apply: created(entry)(version) }
    const missed = { title: 'read', began: 3, ended: 4, apply: seen(null) }
    expect(isLinearizable([create, missed])).toBe(false)
    expect(isLinearizable([create, { ...missed, began: 1 }])).toBe(true)
  })
})

function created(entry: Entry) {
  return (version: Version | null) => (state: Stored | null) => {
    if (version === null) return state ?? undefined
    return state === null ? { ...entry, version } : undefined
  }
}

function seen(found: Stored | null) {
  return (state: Stored | null) =>
    state?.version === found?.version && state?.data === found?.data ? state : undefined
}

function updated(entry: Entry, expected: Version) {
  return (version: Version | null) => (state: Stored | null) => {
    const isCurrent = state?.version === expected
    if (version === null) return isCurrent ? undefined : state
    return isCurrent ? { ...entry, version } : undefined
  }
}
