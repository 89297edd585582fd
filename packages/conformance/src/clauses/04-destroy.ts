import { expectSame, expectThat } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry } from '../stage/server.js'
import { numbers } from '../stage/text.js'

export const destroy: readonly ServerClause[] = [
  {
    id: '4.1',
    says: 'Once destroy has resolved, the entry is gone for every instance on the same scope.',
    cases: [
      {
        title: 'removes an entry for the instance that destroyed it',
        run: async (stage) => {
          const store = stage.open()
          await stage.create(store, 'key', entry('data'))
          await stage.read(store, 'key')
          await store.destroy('key')
          expectSame('read after destroy', await store.read('key'), null)
        },
      },
      {
        title: 'removes an entry at once for another instance that had read it',
        lacks: ['fresh'],
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open()]
          await stage.create(one, 'key', entry('data'))
          await stage.read(other, 'key')
          await one.destroy('key')
          expectSame('read by another instance after destroy', await other.read('key'), null)
        },
      },
    ],
  },
  {
    id: '4.2',
    says: 'Destroying a key twice, or destroying an unknown key, is not an error.',
    cases: [
      {
        title: 'accepts an unknown key, and the same key twice',
        run: async (stage) => {
          const store = stage.open()
          await stage.create(store, 'key', entry('data'))
          for (const key of ['unknown', 'key', 'key']) await store.destroy(key)
          expectSame('read after destroying twice', await store.read('key'), null)
        },
      },
    ],
  },
  {
    id: '4.3',
    says: 'destroy removes only the entry of that key. Keys that share a prefix with it, extend it, or differ from it in case or in the last character keep their entries.',
    cases: [
      {
        title: 'removes only that key',
        run: async (stage) => {
          const store = stage.open()
          const others = ['ke', 'keyy', 'key0', 'Key', 'KEY', 'kez', 'key-', 'key_', '-key', 'k']
          for (const key of ['key', ...others]) await stage.create(store, key, entry(key))
          await store.destroy('key')
          for (const key of others) {
            const found = await store.read(key)
            expectThat(found?.data === key, `read of '${key}' after destroy('key')`, 'its entry', found)
          }
        },
      },
    ],
  },
  {
    id: '4.4',
    says: 'An update that is under way when the entry is destroyed never revives it, in either order of arrival.',
    cases: ['update', 'destroy'].map((first) => ({
      title: `does not revive an entry when an update and a destroy run at the same time, the ${first} sent first`,
      lacks: ['atomic', 'fresh'] as const,
      run: async (stage) => {
        const [one, other] = [stage.open(), stage.open()]
        for (const round of numbers(15)) {
          const key = `key${round}`
          const version = await stage.create(one, key, entry('data'))
          const update = () => (round % 2 === 0 ? one : other).update(key, entry('revived'), version)
          const destroy_ = () => one.destroy(key)
          await Promise.all(first === 'update' ? [update(), destroy_()] : [destroy_(), update()])
          const done = 'an update and a destroy at the same time'
          expectSame(`read after ${done}`, await other.read(key), null)
          expectSame(`update after ${done}`, await other.update(key, entry('revived'), version), null)
        }
      },
    })),
  },
  {
    id: '4.5',
    says: 'An entry that the backend lost, by eviction or a restart, reads as null, never as an older value. A store documents what can break this, such as failover to a lagging replica or power loss under a relaxed sync.',
    cases: [
      {
        title: 'reads null or the newest value after a restart, and null for what was destroyed',
        lacks: ['fresh'],
        needs: ['restart'],
        isAlone: true,
        run: async (stage) => {
          const before = stage.open()
          const first = await stage.create(before, 'updated', entry('older'))
          await stage.create(before, 'destroyed', entry('data'))
          const second = await stage.update(before, 'updated', entry('newest'), first)
          await before.destroy('destroyed')
          await stage.backend.restart?.()
          const after = stage.open()
          const found = await after.read('updated')
          const isRight = found === null || (found.data === 'newest' && found.version === second)
          expectThat(isRight, 'read after a restart', 'null, or the newest value', found)
          expectSame('read of an entry that was destroyed before the restart', await after.read('destroyed'), null)
        },
      },
      {
        title: 'reads null or the newest value after the backend evicted entries',
        needs: ['evict'],
        isAlone: true,
        run: async (stage) => {
          const store = stage.open()
          const first = await stage.create(store, 'key', entry('older'))
          await stage.update(store, 'key', entry('newest'), first)
          await stage.backend.evict?.(stage.scope)
          const found = await store.read('key')
          expectThat(
            found === null || found.data === 'newest',
            'read after eviction',
            'null, or the newest value',
            found,
          )
        },
      },
    ],
  },
]
