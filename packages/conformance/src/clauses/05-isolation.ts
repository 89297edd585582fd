import { expectSame, expectThat } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry } from '../stage/server.js'

const MINUTE = 60_000

export const isolation: readonly ServerClause[] = [
  {
    id: '5.1',
    says: "Two scopes (prefixes, tables, files) on one backend do not see, update, destroy or prune each other's entries.",
    cases: [
      {
        title: 'keeps scopes apart',
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open(stage.newScope())]
          const given = entry('one')
          const version = await stage.create(one, 'key', given)
          expectSame('read in another scope', await other.read('key'), null)
          expectSame('update in another scope', await other.update('key', entry('other'), version), null)
          await other.destroy('key')
          expectSame('read after the read, update and destroy in another scope', await one.read('key'), {
            ...given,
            version,
          })
          await stage.create(other, 'key', entry('other'))
          expectSame('read after a create in another scope', await one.read('key'), { ...given, version })
        },
      },
      {
        title: 'does not prune entries of another scope',
        needs: ['prune'],
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open(stage.newScope())]
          const given = entry('one', Date.now() + MINUTE)
          const version = await stage.create(one, 'key', given)
          expectSame('prune in another scope', await other.prune?.(given.expiresAt + 1), 0)
          expectSame('read after that prune', await one.read('key'), { ...given, version })
        },
      },
    ],
  },
  {
    id: '5.2',
    says: 'Keys are case-sensitive and compared over their full length.',
    cases: [
      {
        title: 'distinguishes keys by case and over their full length',
        run: async (stage) => {
          const store = stage.open()
          const long = 'k'.repeat(127)
          const keys = ['a', 'A', 'aB', 'Ab', '-', '_', '--', '0', '00', `${long}a`, `${long}b`, `${long}A`, long]
          for (const key of keys) await stage.create(store, key, entry(key))
          for (const key of keys) {
            const found = await store.read(key)
            expectThat(found?.data === key, `read of '${key}', one of several similar keys`, 'its entry', found)
          }
        },
      },
    ],
  },
  {
    id: '5.3',
    says: "Two instances on one scope act as one store: each reads the other's entries and accepts the other's versions, and closing one does not affect the other.",
    cases: [
      {
        title: 'accepts the versions of one instance at another',
        lacks: ['fresh'],
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open()]
          const first = await stage.create(one, 'key', entry('first'))
          const given = entry('second')
          const second = await stage.update(other, 'key', given, first)
          expectSame('create of a key that another instance has taken', await other.create('key', entry('third')), null)
          const third = await stage.update(one, 'key', given, second)
          expectSame('read by an instance that was opened later', await stage.open().read('key'), {
            ...given,
            version: third,
          })
        },
      },
      {
        title: 'keeps working when another instance on the scope is closed',
        lacks: ['fresh'],
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open()]
          const given = entry('data')
          const version = await stage.create(one, 'key', given)
          await one.close()
          expectSame('read after another instance was closed', await other.read('key'), { ...given, version })
        },
      },
    ],
  },
]
