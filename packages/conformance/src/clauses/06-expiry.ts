import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { expectSame, expectThat } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry, type ServerStage } from '../stage/server.js'
import { numbers } from '../stage/text.js'
import { inLanes } from './lanes.js'

const SECOND = 1000
const DAY = 86_400_000
const POLL_MS = 25

/** A time just before a full second, at least `ahead` ms from now. It exposes backends that count in whole seconds. */
function beforeFullSecond(ahead: number): number {
  return Math.ceil((Date.now() + ahead) / SECOND) * SECOND - 20
}

/** Waits until the backend has reclaimed the entry. Throws a `Breach` if that is too late. */
async function expectReclaimed(stage: ServerStage, key: string, expiresAt: number): Promise<void> {
  const store = stage.open()
  const within = stage.backend.reclaimsWithin ?? 500
  const until = Math.max(expiresAt, Date.now()) + within
  for (;;) {
    const asked = Date.now()
    const found = await store.read(key)
    if (found === null) return
    const done = `read ${asked - expiresAt} ms after expiresAt, of a backend that expires entries itself`
    expectThat(asked <= until, done, `null, because the harness allows ${within} ms to reclaim`, found)
    await sleep(POLL_MS)
  }
}

export const expiry: readonly ServerClause[] = [
  {
    id: '6.1',
    says: 'An entry past its expiresAt is reclaimed, by the backend itself or by prune. No store grows without limit.',
    cases: [
      {
        title: 'reclaims expired entries by prune, created or updated',
        needs: ['prune'],
        run: async (stage) => {
          const store = stage.open()
          const { expiresAt } = entry('')
          await stage.create(store, 'created', entry('data', expiresAt))
          const version = await stage.create(store, 'updated', entry('data', expiresAt + DAY))
          await stage.update(store, 'updated', entry('data', expiresAt), version)
          await stage.create(store, 'past', entry('data', 1))
          await store.prune?.(expiresAt)
          for (const key of ['created', 'updated', 'past'])
            expectSame(`read of entry '${key}' after prune at its expiresAt`, await store.read(key), null)
        },
      },
      {
        title: 'reclaims expired entries without prune, created or updated',
        lacks: ['fresh'],
        needs: ['expiry'],
        run: async (stage) => {
          const store = stage.open()
          const expiresAt = beforeFullSecond(100)
          await stage.create(store, 'created', entry('data', expiresAt))
          const version = await stage.create(store, 'updated', entry('data'))
          await stage.update(store, 'updated', entry('data', expiresAt), version)
          await Promise.all(['created', 'updated'].map((key) => expectReclaimed(stage, key, expiresAt)))
        },
      },
      {
        title: 'reclaims entries without prune that had expired when they were written',
        lacks: ['fresh'],
        needs: ['expiry'],
        run: async (stage) => {
          const store = stage.open()
          const past = Date.now() - 5 * SECOND
          await stage.create(store, 'created', entry('data', past))
          await stage.create(store, 'ancient', entry('data', 1))
          const version = await stage.create(store, 'updated', entry('data'))
          await stage.update(store, 'updated', entry('data', past), version)
          await Promise.all(['created', 'ancient', 'updated'].map((key) => expectReclaimed(stage, key, past)))
        },
      },
    ],
  },
  {
    id: '6.2',
    says: 'An entry is not reclaimed before its expiresAt by the wall clock, not even a millisecond early: rounding goes up. A date that the backend cannot represent becomes the latest date that it can, while expiresAt still reads back exactly.',
    cases: [
      {
        title: 'reclaims nothing early, at whatever fraction of a second it expires',
        run: async (stage) => {
          const store = stage.open()
          const base = Date.now() + 400
          await Promise.all(
            numbers(8).map(async (n) => {
              const key = `key${n}`
              const expiresAt = base + n * 125
              const given = entry('data', expiresAt)
              if (n % 2 === 0) await stage.create(store, key, given)
              else await stage.update(store, key, given, await stage.create(store, key, entry('before')))
              for (;;) {
                const found = await store.read(key)
                const left = expiresAt - Date.now()
                if (left <= 0) return
                const done = `read ${left} ms before expiresAt`
                expectThat(found?.expiresAt === expiresAt, done, 'the entry', found)
                await sleep(Math.min(POLL_MS, left - 1))
              }
            }),
          )
        },
      },
      {
        title: 'does not prune an entry that expires a millisecond later',
        needs: ['prune'],
        run: async (stage) => {
          const store = stage.open()
          const given = entry('data')
          const version = await stage.create(store, 'key', given)
          expectSame('prune a millisecond before expiresAt', await store.prune?.(given.expiresAt - 1), 0)
          expectSame('read after that prune', await store.read('key'), { ...given, version })
        },
      },
      {
        title: 'stores the latest possible dates and reads them back exactly',
        run: async (stage) => {
          const store = stage.open()
          for (const expiresAt of [8.64e15, 8.64e15 - 1, 253_402_300_799_999]) {
            const given = entry('data', expiresAt)
            const key = `key${expiresAt}`
            const version = await stage.create(store, key, given)
            expectSame(`read of an entry that expires at ${expiresAt}`, await store.read(key), { ...given, version })
            const next = await stage.update(store, key, given, version)
            expectSame('read after an update with the same entry', await store.read(key), { ...given, version: next })
          }
        },
      },
    ],
  },
  {
    id: '6.3',
    says: 'prune(now) removes the entries that expired at or before now and nothing else, and resolves with their number. It works in bounded steps that yield to the event loop, and it does not remove an entry that is extended while it runs.',
    cases: [
      {
        title: 'prunes exactly the entries that expired at or before that time, and returns their number',
        needs: ['prune'],
        run: async (stage) => {
          const store = stage.open()
          const { expiresAt: now } = entry('')
          const offsets = { ancient: 1 - now, before: -1, at: 0, after: 1, far: DAY }
          for (const [key, offset] of Object.entries(offsets)) await stage.create(store, key, entry(key, now + offset))
          expectSame('prune of five entries, three of which have expired', await store.prune?.(now), 3)
          for (const key of ['ancient', 'before', 'at'])
            expectSame(`read of the entry '${key}', which expired, after prune`, await store.read(key), null)
          for (const key of ['after', 'far'])
            expectSame(
              `the data of the entry '${key}', which expires later, after prune`,
              (await store.read(key))?.data,
              key,
            )
          expectSame('a second prune', await store.prune?.(now), 0)
        },
      },
      {
        title: 'prunes in steps that yield to the event loop',
        lacks: ['retention'],
        needs: ['prune'],
        // A store that evicts could evict the entries of other cases.
        isAlone: true,
        run: async (stage) => {
          const store = stage.open()
          const { expiresAt } = entry('')
          const count = 2500
          await inLanes(numbers(count), (n) => stage.create(store, `key${n}`, entry('data', expiresAt)))
          const state = { turns: 0, isDone: false }
          const watch = async () => {
            for (; !state.isDone; state.turns++) await turn()
          }
          const pruning = store.prune?.(expiresAt).finally(() => (state.isDone = true))
          const [removed] = await Promise.all([pruning, watch()])
          expectSame(`prune of ${count} expired entries`, removed, count)
          expectThat(
            state.turns > 2,
            `prune of ${count} expired entries`,
            'several turns of the event loop while it runs',
            state.turns,
          )
        },
      },
      {
        title: 'does not prune an entry that is extended while prune runs',
        lacks: ['atomic', 'retention'],
        needs: ['prune'],
        isAlone: true,
        run: async (stage) => {
          const store = stage.open()
          const { expiresAt } = entry('')
          const keys = numbers(1500).map((n) => `key${n}`)
          const versions = await inLanes(keys, (key) => stage.create(store, key, entry('data', expiresAt)))
          const extended: string[] = []
          const extend = async () => {
            for (const [at, key] of [...keys.entries()].toReversed()) {
              if (at % 25 !== 0) continue
              const version = await store.update(key, entry('extended', expiresAt + DAY), versions[at] ?? '')
              if (version !== null) extended.push(key)
              await turn()
            }
          }
          const [removed] = await Promise.all([store.prune?.(expiresAt), extend()])
          const done = 'a prune while entries are extended'
          expectSame(done, removed, keys.length - extended.length)
          for (const key of extended)
            expectSame(`read of an entry that was extended during ${done}`, (await store.read(key))?.data, 'extended')
        },
      },
    ],
  },
  {
    id: '6.4',
    says: 'An entry that expires far ahead (in 31 days, in 2039, in 10 years) is kept, and its expiry reads back exactly: no 32-bit, 30-day or unit error.',
    cases: [
      {
        title: 'keeps entries that expire far ahead, created or updated',
        run: async (stage) => {
          const store = stage.open()
          const now = Date.now()
          const dates = {
            'in 25 days': now + 25 * DAY,
            'in 31 days': now + 31 * DAY,
            'in 50 days': now + 50 * DAY,
            'in 10 years': now + 3650 * DAY,
            'in 2039': Date.UTC(2039, 0, 2),
            'in 2107': Date.UTC(2107, 0, 2),
          }
          for (const [name, expiresAt] of Object.entries(dates)) {
            const key = name.replaceAll(' ', '')
            const given = entry('data', expiresAt)
            const first = await stage.create(store, key, given)
            expectSame(`read of an entry that expires ${name}`, await store.read(key), { ...given, version: first })
            const second = await stage.update(store, key, given, first)
            expectSame(`read after an update of an entry that expires ${name}`, await store.read(key), {
              ...given,
              version: second,
            })
          }
          if (store.prune) expectSame('prune at the current time', await store.prune(now), 0)
        },
      },
    ],
  },
  {
    id: '6.5',
    says: 'An expiry less than a second ahead, or already past, is not an error and does not mean "never": create resolves with a version, and read resolves with the entry or null.',
    cases: [
      {
        title: 'stores an entry that expires in less than a second or has expired',
        run: async (stage) => {
          const store = stage.open()
          const now = Date.now()
          for (const expiresAt of [
            now + 900,
            now + 50,
            now + 1,
            now,
            now - 1,
            now - SECOND,
            now - 100 * DAY,
            1000,
            1,
          ]) {
            const key = `key${expiresAt}`
            const given = entry('data', expiresAt)
            const version = await stage.create(store, key, given)
            const found = await store.read(key)
            const done = `read of an entry with expiresAt ${expiresAt - now} ms from now`
            if (found !== null) expectSame(done, found, { ...given, version })
            const updated = await stage.create(store, `${key}updated`, entry('before'))
            await stage.update(store, `${key}updated`, given, updated)
          }
        },
      },
    ],
  },
]
