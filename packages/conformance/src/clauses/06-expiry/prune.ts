import { setImmediate as turn } from 'node:timers/promises'
import { expectSame, expectThat } from '../../breach.js'
import type { ServerClause } from '../../case.js'
import { entry } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'
import { inLanes } from '../lanes.js'
import { afterPrune } from './after-prune.js'
import { DAY } from './clock.js'

export const pruning: ServerClause = {
  id: '6.3',
  says: 'prune(now) removes the entries that expired at or before now and nothing else, and resolves with their number. It works in bounded steps that yield to the event loop, and it does not remove an entry that is extended while it runs.',
  cases: [
    {
      title: 'prunes exactly the entries that expired at or before that time, and returns their number',
      hint: 'Compare expiresAt and now as numbers, in milliseconds. Dates that are compared as text are in another order.',
      needs: ['prune'],
      run: async (stage) => {
        const store = stage.open()
        const { expiresAt: now } = entry('')
        const due = { before: now - 1, at: now, longBefore: now - 999, ancient: 1, early: 9, in2001: 999_999_999_999 }
        // Compared as text, the year 2286 comes before this one.
        const later = { after: now + 1, soonAfter: now + 400, nextDay: now + DAY, in2286: 10_000_000_000_000 }
        for (const [key, expiresAt] of Object.entries({ ...due, ...later }))
          await stage.create(store, key, entry(key, expiresAt))
        const count = Object.keys(due).length
        expectSame(`prune of a scope in which ${count} entries have expired`, await store.prune?.(now), count)
        for (const key of Object.keys(due))
          expectSame(`read of the entry '${key}', which expired, after prune`, await store.read(key), null)
        for (const key of Object.keys(later)) {
          const done = `the data of the entry '${key}', which expires later, after prune`
          expectSame(done, (await store.read(key))?.data, key)
        }
        expectSame('a second prune', await store.prune?.(now), 0)
      },
    },
    {
      title: 'prunes in steps that yield to the event loop',
      hint: 'Delete a bounded number at a time, and let the event loop turn between two steps.',
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
        const running = store.prune?.(expiresAt).finally(() => (state.isDone = true))
        const [removed] = await Promise.all([running, watch()])
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
      hint: 'Delete by key and expiry in one step. An entry that was due when prune looked may be extended when it deletes.',
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
    ...afterPrune,
  ],
}
