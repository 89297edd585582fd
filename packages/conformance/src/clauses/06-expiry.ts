import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { expectSame, expectThat } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry, type ServerStage } from '../stage/server.js'
import { numbers } from '../stage/text.js'

const SECOND = 1000
const DAY = 86_400_000
const POLL_MS = 25

/** A little before a full second, at least so far ahead: what counts in whole seconds shows here what it does. */
function beforeFullSecond(ahead: number): number {
  return Math.ceil((Date.now() + ahead) / SECOND) * SECOND - 20
}

/** Waits until the backend has reclaimed the entry, which began to exist with that expiry. */
async function expectReclaimed(stage: ServerStage, key: string, expiresAt: number): Promise<void> {
  const store = stage.open()
  const within = stage.backend.reclaimsWithin ?? 500
  const until = Math.max(expiresAt, Date.now()) + within
  for (;;) {
    const asked = Date.now()
    const found = await store.read(key)
    if (found === null) return
    const done = `read ${asked - expiresAt} ms after expiresAt, of a backend that expires entries itself`
    expectThat(asked <= until, done, `null: it is to reclaim within ${within} ms`, found)
    await sleep(POLL_MS)
  }
}

export const expiry: readonly ServerClause[] = [
  {
    id: '6.1',
    says: 'An entry past its expiresAt is reclaimed: by the backend itself, or by prune; no store grows for ever.',
    cases: [
      {
        title: 'reclaims what has expired, created or updated, by prune',
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
            expectSame(`read of what was ${key}, after prune at its expiresAt`, await store.read(key), null)
        },
      },
      {
        title: 'reclaims what has expired by itself',
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
        title: 'reclaims by itself what was past when it came',
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
    says: 'Never early: an entry is not reclaimed before its expiresAt by the wall clock, not by a millisecond; a date that the backend cannot hold becomes its latest there, while expiresAt still reads back exact.',
    cases: [
      {
        title: 'reclaims nothing early, wherever in the second it expires',
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
        title: 'spares what expires a millisecond after the time of prune',
        needs: ['prune'],
        run: async (stage) => {
          const store = stage.open()
          const given = entry('data')
          const version = await stage.create(store, 'key', given)
          expectSame('prune a millisecond before expiresAt', await store.prune?.(given.expiresAt - 1), 0)
          expectSame('read after it', await store.read('key'), { ...given, version })
        },
      },
      {
        title: 'keeps the latest date there is, and reads it back exact',
        run: async (stage) => {
          const store = stage.open()
          for (const expiresAt of [8.64e15, 8.64e15 - 1, 253_402_300_799_999]) {
            const given = entry('data', expiresAt)
            const key = `key${expiresAt}`
            const version = await stage.create(store, key, given)
            expectSame(`read of an entry until ${expiresAt}`, await store.read(key), { ...given, version })
            const next = await stage.update(store, key, given, version)
            expectSame('read after an update to the same', await store.read(key), { ...given, version: next })
          }
        },
      },
    ],
  },
  {
    id: '6.3',
    says: 'prune(now) removes what expired at or before now and nothing else, returns how many, works in bounded steps that yield, and spares an entry that is extended while it runs.',
    cases: [
      {
        title: 'prunes what expired at or before that time and nothing else, and says how many',
        needs: ['prune'],
        run: async (stage) => {
          const store = stage.open()
          const { expiresAt: now } = entry('')
          const offsets = { ancient: 1 - now, before: -1, at: 0, after: 1, far: DAY }
          for (const [key, offset] of Object.entries(offsets)) await stage.create(store, key, entry(key, now + offset))
          expectSame('prune of five entries, three of which have expired', await store.prune?.(now), 3)
          for (const key of ['ancient', 'before', 'at'])
            expectSame(`read of what expired ${key}`, await store.read(key), null)
          for (const key of ['after', 'far'])
            expectSame(`read of what expires ${key}`, (await store.read(key))?.data, key)
          expectSame('prune again', await store.prune?.(now), 0)
        },
      },
      {
        title: 'prunes in steps that yield to the event loop',
        needs: ['prune'],
        run: async (stage) => {
          const store = stage.open()
          const { expiresAt } = entry('')
          const count = 2500
          await Promise.all(numbers(count).map((n) => stage.create(store, `key${n}`, entry('data', expiresAt))))
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
            'several turns of the event loop meanwhile',
            state.turns,
          )
        },
      },
      {
        title: 'spares what is extended while it runs',
        needs: ['prune'],
        run: async (stage) => {
          const store = stage.open()
          const { expiresAt } = entry('')
          const keys = numbers(1500).map((n) => `key${n}`)
          const versions = await Promise.all(keys.map((key) => stage.create(store, key, entry('data', expiresAt))))
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
          const done = 'a prune, while entries were extended'
          expectSame(done, removed, keys.length - extended.length)
          for (const key of extended)
            expectSame(`read of an entry that was extended during ${done}`, (await store.read(key))?.data, 'extended')
        },
      },
    ],
  },
  {
    id: '6.4',
    says: 'An expiry far ahead (31 days, 2039, 10 years) survives: no 32-bit, 30-day or unit error.',
    cases: [
      {
        title: 'keeps what expires far ahead, created or updated',
        run: async (stage) => {
          const store = stage.open()
          const now = Date.now()
          const dates = {
            '25 days': now + 25 * DAY,
            '31 days': now + 31 * DAY,
            '50 days': now + 50 * DAY,
            '10 years': now + 3650 * DAY,
            'until 2039': Date.UTC(2039, 0, 2),
            'until 2107': Date.UTC(2107, 0, 2),
          }
          for (const [name, expiresAt] of Object.entries(dates)) {
            const key = name.replaceAll(' ', '')
            const given = entry('data', expiresAt)
            const first = await stage.create(store, key, given)
            expectSame(`read of an entry for ${name}`, await store.read(key), { ...given, version: first })
            const second = await stage.update(store, key, given, first)
            expectSame(`read of it after an update`, await store.read(key), { ...given, version: second })
          }
          if (store.prune) expectSame('prune at this moment', await store.prune(now), 0)
        },
      },
    ],
  },
  {
    id: '6.5',
    says: 'An expiry less than a second ahead, or already past, is neither an error nor "for ever": create resolves with a version, read gives the entry or null.',
    cases: [
      {
        title: 'takes what expires in less than a second, or has expired',
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
            const done = `read of an entry that expires ${expiresAt - now} ms from now`
            if (found !== null) expectSame(done, found, { ...given, version })
            const updated = await stage.create(store, `${key}updated`, entry('before'))
            await stage.update(store, `${key}updated`, given, updated)
          }
        },
      },
    ],
  },
]
