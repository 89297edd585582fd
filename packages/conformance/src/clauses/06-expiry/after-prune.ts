import { expectSame, expectThat } from '../../breach.js'
import type { Case } from '../../case.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'
import { inLanes } from '../lanes.js'
import { DAY } from './clock.js'

/** What prune must leave as it was, and what must work after it. */
export const afterPrune: readonly Case<ServerStage>[] = [
  {
    title: 'prunes by the time that it is given, not by a clock',
    hint: 'Use the argument of prune. Core passes the time of its own clock.',
    needs: ['prune'],
    run: async (stage) => {
      const store = stage.open()
      const now = Date.now()
      for (const days of [1, 2, 3]) await stage.create(store, `key${days}`, entry('data', now - days * DAY))
      for (const days of [3, 2, 1]) {
        const done = `prune at ${days} days ago, of a scope in which one entry expired between then and a day before`
        expectSame(done, await store.prune?.(now - days * DAY), 1)
      }
    },
  },
  {
    title: 'prunes a scope that holds nothing',
    hint: 'A table or a folder that does not exist yet holds nothing to prune.',
    needs: ['prune'],
    run: async (stage) => {
      const unused = stage.open()
      expectSame('prune of a scope that was never used', await unused.prune?.(Date.now()), 0)
      const given = entry('data')
      const emptied = stage.open(stage.newScope())
      await stage.create(emptied, 'key', given)
      expectSame('prune of a scope whose only entry has expired', await emptied.prune?.(given.expiresAt), 1)
      expectSame('prune of a scope that prune emptied', await emptied.prune?.(given.expiresAt), 0)
      const version = await stage.create(emptied, 'key', given)
      const done = 'read after a create in a scope that prune emptied'
      expectSame(done, await emptied.read('key'), { ...given, version })
    },
  },
  {
    title: 'leaves other entries as they were, and every method works after it',
    hint: 'prune must only delete. It must leave nothing behind that a later call takes for an entry, and touch no other one.',
    needs: ['prune'],
    run: async (stage) => {
      const store = stage.open()
      const { expiresAt: now } = entry('')
      const [due, later] = [entry('due', now), entry('later', now + DAY)]
      const gone = await stage.create(store, 'gone', due)
      await stage.read(store, 'gone')
      await stage.create(store, 'unread', later)
      const kept = await stage.create(store, 'kept', later)
      const extended = await stage.update(store, 'extended', later, await stage.create(store, 'extended', due))
      await stage.update(store, 'shortened', due, await stage.create(store, 'shortened', later))
      expectSame('prune of five entries, two of which have expired', await store.prune?.(now), 2)

      expectSame('read of an entry that expires later, after prune', await store.read('kept'), {
        ...later,
        version: kept,
      })
      const held = { ...later, version: extended }
      expectSame('read of an entry that was extended, after prune', await store.read('extended'), held)
      for (const key of ['gone', 'shortened']) expectSame(`read of '${key}', after prune`, await store.read(key), null)
      const revive = 'update of a pruned entry with its version'
      expectSame(revive, await store.update('gone', later, gone), null)
      expectSame(`read after an ${revive}`, await store.read('gone'), null)
      await store.destroy('gone')

      const soon = entry('soon', Date.now() + DAY / 2)
      const again = await stage.create(store, 'gone', soon)
      const done = 'read of an entry that was created after prune under a pruned key'
      expectSame(done, await store.read('gone'), { ...soon, version: again })
      expectSame('create of that key again', await store.create('gone', later), null)
      await stage.update(store, 'gone', due, again)
      await stage.update(store, 'kept', due, kept)
      await stage.create(store, 'new', due)
      await store.destroy('unread')
      expectSame('read of an entry that was destroyed after prune', await store.read('unread'), null)
      expectSame('a prune of three entries that were written after the first prune', await store.prune?.(now), 3)
      for (const key of ['gone', 'kept', 'new'])
        expectSame(`read of '${key}' after the second prune`, await store.read(key), null)
    },
  },
  {
    title: 'prunes beside other calls, and counts each entry once',
    hint: 'Count what each delete removed, not what a query found before it.',
    needs: ['prune'],
    lacks: ['atomic', 'fresh', 'retention'],
    run: async (stage) => {
      const stores = [stage.open(), stage.open()]
      const { expiresAt: now } = entry('')
      const count = 250
      const [writer] = stores
      if (writer === undefined) return
      await inLanes(numbers(count), (n) => stage.create(writer, `key${n}`, entry('data', now)))
      const later = entry('later', now + DAY)
      const [removed, created] = await Promise.all([
        Promise.all(stores.map(async (store) => (await store.prune?.(now)) ?? 0)),
        inLanes(numbers(40), (n) => stage.create(writer, `new${n}`, later)),
      ])
      const sum = removed.reduce((total, one) => total + one)
      expectSame(`what two prunes at the same time returned together, for ${count} expired entries`, sum, count)
      const found = await inLanes(numbers(40), (n) => writer.read(`new${n}`))
      for (const [at, version] of created.entries())
        expectSame('read of an entry that was created while prune ran', found[at], { ...later, version })
    },
  },
  {
    title: 'prunes beside foreign bytes',
    hint: 'Skip or remove what is not an entry. One such row must not stop prune.',
    lacks: ['fresh'],
    needs: ['prune', 'plant'],
    run: async (stage) => {
      const store = stage.open()
      const { expiresAt: now } = entry('')
      const planted = ['aforeign', 'mforeign', 'zforeign']
      for (const key of ['b', 'n', 'y']) await stage.create(store, `${key}due`, entry('data', now))
      const version = await stage.create(store, 'later', entry('data', now + DAY))
      for (const key of planted) await stage.backend.plant?.(stage.scope, key, Buffer.from('foreign'))
      for (const key of ['c', 'o', 'x']) await stage.create(store, `${key}due`, entry('data', now))
      const removed = await store.prune?.(now)
      // What is foreign may have a date that is past.
      expectThat(
        removed !== undefined && removed >= 6 && removed <= 6 + planted.length,
        'prune of six expired entries beside three keys with foreign bytes',
        '6, and one more for each foreign one that it removed',
        removed,
      )
      for (const key of ['b', 'n', 'y', 'c', 'o', 'x'])
        expectSame(`read of an expired entry after a prune beside foreign bytes`, await store.read(`${key}due`), null)
      expectSame(
        'the version of an entry that expires later, after that prune',
        (await store.read('later'))?.version,
        version,
      )
    },
  },
]
