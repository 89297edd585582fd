import { expectSame, expectThat } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry } from '../stage/server.js'
import { inLanes } from './lanes.js'
import { alikeScopes, expectApart, expectLongestKeys, expectNotJoined } from './scope.js'

const MINUTE = 60_000

export const isolation: readonly ServerClause[] = [
  {
    id: '5.1',
    says: "Two scopes (prefixes, tables, files) on one backend do not see, update, destroy or prune each other's entries.",
    cases: [
      {
        title: 'keeps scopes apart',
        hint: 'Each call must name the scope: as a prefix of the key, a column or a table.',
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
        title: 'keeps scopes apart whose names are alike',
        hint: 'Use the whole name, and compare it byte by byte. Refuse a name that is too long, or that the backend would fold, with INVALID_OPTION.',
        run: async (stage) => inLanes(alikeScopes(stage), (pair) => expectApart(stage, pair)).then(() => undefined),
      },
      {
        title: 'keeps a key apart from a longer key of a scope with a shorter name',
        hint: 'Put a character between scope and key that no scope ends with, or require one in the option.',
        run: expectNotJoined,
      },
      {
        title: 'does not prune entries of another scope',
        hint: 'Restrict prune to the scope, by its exact name and not by a pattern.',
        needs: ['prune'],
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open(stage.newScope())]
          const given = entry('one', Date.now() + MINUTE)
          const version = await stage.create(one, 'key', given)
          await stage.create(other, 'later', entry('other'))
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
        hint: 'Compare keys byte by byte. Some databases ignore case by default, and some cut long keys.',
        run: async (stage) => {
          const store = stage.open()
          const long = 'k'.repeat(127)
          const keys = [
            'a',
            'A',
            'aB',
            'Ab',
            '-',
            '_',
            '--',
            '0',
            '00',
            'a_b',
            'axb',
            'a-b',
            '__proto__',
            'constructor',
            'hasOwnProperty',
            `${long}a`,
            `${long}b`,
            `${long}A`,
            long,
          ]
          for (const key of keys) await stage.create(store, key, entry(`data of ${key}`))
          for (const key of keys) {
            const found = await store.read(key)
            expectThat(
              found?.data === `data of ${key}`,
              `read of '${key}', one of several similar keys`,
              'its entry',
              found,
            )
          }
        },
      },
      {
        title: 'does not take an unknown key for a pattern or a part of another',
        hint: 'Look up the exact key, not a pattern or a prefix.',
        run: async (stage) => {
          const store = stage.open()
          const version = await stage.create(store, 'akey', entry('data'))
          for (const key of ['a_ey', '____', '_', 'ake', 'akeyy', 'key', 'AKEY', 'a-z', '-']) {
            expectSame(`read of the unknown key '${key}' beside 'akey'`, await store.read(key), null)
            await store.update(key, entry('lost'), version)
          }
          expectSame(
            "the data of 'akey' after updates of other keys with its version",
            (await store.read('akey'))?.data,
            'data',
          )
        },
      },
      {
        title: 'distinguishes the longest keys in the longest scope',
        hint: 'Leave room for a key of 128 characters beside the scope. Refuse a scope that is too long with INVALID_OPTION.',
        run: expectLongestKeys,
      },
    ],
  },
  {
    id: '5.3',
    says: "Two instances on one scope act as one store: each reads the other's entries and accepts the other's versions, and closing one does not affect the other.",
    cases: [
      {
        title: 'accepts the versions of one instance at another',
        hint: 'Keep nothing in the process that a call needs, such as the versions that the instance made.',
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
        hint: 'Each instance must close only what it opened itself.',
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
