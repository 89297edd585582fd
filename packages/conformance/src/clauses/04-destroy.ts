import { expectSame, expectThat } from '../breach.js'
import type { Case, ServerClause } from '../case.js'
import { entry, type ServerStage } from '../stage/server.js'
import { numbers } from '../stage/text.js'
import { staggered } from './race.js'

const CACHED = 'Do not answer reads from memory in the process: another instance may have destroyed the entry.'

export const destroy: readonly ServerClause[] = [
  {
    id: '4.1',
    says: 'Once destroy has resolved, the entry is gone for every instance on the same scope.',
    cases: [
      {
        title: 'removes an entry for the instance that destroyed it',
        hint: 'Forget what a cache in the process holds of the key, too.',
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
        hint: CACHED,
        lacks: ['fresh'],
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open()]
          await stage.create(one, 'key', entry('data'))
          await stage.read(other, 'key')
          await one.destroy('key')
          expectSame('read by another instance after destroy', await other.read('key'), null)
        },
      },
      {
        title: 'removes an entry at once for the instance that wrote it, when another destroys it',
        hint: CACHED,
        lacks: ['fresh'],
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open()]
          const version = await stage.create(one, 'created', entry('data'))
          await stage.update(one, 'updated', entry('data'), await stage.create(one, 'updated', entry('old')))
          await stage.update(one, 'created', entry('data'), version)
          for (const key of ['created', 'updated']) {
            await other.destroy(key)
            const done = `read of an entry that this instance ${key}, after another instance destroyed it`
            expectSame(done, await one.read(key), null)
          }
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
        hint: 'A key that is not there is no failure: destroy has nothing to do.',
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
        hint: 'Delete by the exact key, not by a pattern or a prefix, and compare keys byte by byte.',
        run: async (stage) => {
          const store = stage.open()
          const others = ['ke', 'keyy', 'key0', 'Key', 'KEY', 'kez', 'key-', 'key_', '-key', 'k']
          for (const key of ['key', ...others]) await stage.create(store, key, entry(`data of ${key}`))
          // Characters that mean any other one, or a range, in a pattern.
          for (const key of ['key', 'k_y', '___', 'k-y', '_', '-']) await store.destroy(key)
          for (const key of others) {
            const found = await store.read(key)
            expectThat(found?.data === `data of ${key}`, `read of '${key}' after destroy('key')`, 'its entry', found)
          }
        },
      },
    ],
  },
  {
    id: '4.4',
    says: 'An update that is under way when the entry is destroyed never revives it, in either order of arrival.',
    cases: (['update', 'destroy'] as const).flatMap((first): Case<ServerStage>[] => {
      const lacks = ['atomic', 'fresh'] as const
      const hint =
        'An update must fail if the entry is gone. Compare and write in one step, and never create the entry again.'
      const done = `an update and a destroy at the same time, the ${first} sent first`
      return [
        {
          title: `does not revive an entry when an update and a destroy run at the same time, the ${first} sent first`,
          hint,
          lacks,
          run: async (stage) => {
            const [one, other] = [stage.open(), stage.open()]
            for (const round of numbers(15)) {
              const key = `key${round}`
              const version = await stage.create(one, key, entry('data'))
              const update = () => (round % 2 === 0 ? one : other).update(key, entry('revived'), version)
              const destroy_ = () => one.destroy(key)
              await Promise.all(first === 'update' ? [update(), destroy_()] : [destroy_(), update()])
              expectSame(`read after ${done}`, await other.read(key), null)
              expectSame(`update after ${done}`, await other.update(key, entry('revived'), version), null)
            }
          },
        },
        {
          title: `does not revive an entry, however much later than the ${first} the other begins`,
          hint,
          lacks,
          run: (stage) =>
            staggered(stage, async (key, [one, other], later) => {
              const version = await stage.create(one, key, entry('data'))
              const update = () => one.update(key, entry('revived'), version)
              const destroy_ = () => other.destroy(key)
              await Promise.all(first === 'update' ? [update(), later(destroy_)] : [destroy_(), later(update)])
              expectSame(`read after ${done}`, await other.read(key), null)
            }),
        },
      ]
    }),
  },
  {
    id: '4.5',
    says: 'An entry that the backend lost, by eviction or a restart, reads as null, never as an older value. A store documents what can break this, such as failover to a lagging replica or power loss under a relaxed sync.',
    cases: [
      {
        title: 'reads null or the newest value after a restart, and null for what was destroyed',
        hint: 'What the backend loses is lost. Do not restore an older value from a snapshot or a cache.',
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
        hint: 'What the backend evicts is lost. Do not restore an older value from a second level or a cache.',
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
