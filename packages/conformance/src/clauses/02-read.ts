import { expectSame, expectThat } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry } from '../stage/server.js'
import { numbers } from '../stage/text.js'
import { inLanes } from './lanes.js'

/** Data of many different lengths. */
function dataOf(n: number): string {
  return `the data of ${n}, `.repeat(1 + (n % 40))
}

export const read: readonly ServerClause[] = [
  {
    id: '2.1',
    says: 'An unknown key reads as null. It is not an error.',
    cases: [
      {
        title: 'reads an unknown key as null, whatever its name',
        hint: 'Look keys up in a Map, not in an object, and tell "missing" from "failed" in what the backend answers.',
        run: async (stage) => {
          const store = stage.open()
          for (const key of ['unknown', '__proto__', 'constructor', 'toString', '0', 'a'.repeat(128)])
            expectSame(`read of the unknown key ${key}`, await store.read(key), null)
        },
      },
    ],
  },
  {
    id: '2.2',
    says: 'read changes nothing: not the data, not the version, not the expiry.',
    cases: [
      {
        title: 'does not change an entry by reading it',
        hint: 'Core extends a session by update. read must not extend it, and must not write.',
        run: async (stage) => {
          const store = stage.open()
          const given = entry('data')
          const version = await stage.create(store, 'key', given)
          for (const count of numbers(5))
            expectSame(`read number ${count + 1}`, await store.read('key'), { ...given, version })
          await stage.update(store, 'key', entry('next'), version)
        },
      },
      {
        title: 'does not change what another instance reads',
        hint: 'Core extends a session by update. read must not extend it, and must not write.',
        lacks: ['fresh'],
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open()]
          const given = entry('data')
          const version = await stage.create(one, 'key', given)
          for (const count of numbers(5)) {
            await one.read('key')
            expectSame(`read number ${count + 1} by another instance`, await other.read('key'), { ...given, version })
          }
        },
      },
    ],
  },
  {
    id: '2.3',
    says: 'What is stored does not change when the caller later modifies an entry that it passed in or an object that read returned.',
    cases: [
      {
        title: 'does not share objects with its callers',
        hint: 'Copy what the caller passes in, and return a new object from each read.',
        run: async (stage) => {
          const store = stage.open()
          const { expiresAt } = entry('')
          const given = { data: 'created', expiresAt }
          const version = await stage.create(store, 'key', given)
          Object.assign(given, { data: 'altered', expiresAt: 1 })
          const created = { data: 'created', expiresAt, version }
          expectSame(
            'read after the caller modified the entry it had passed to create',
            await store.read('key'),
            created,
          )
          const found = await stage.read(store, 'key')
          if (!Object.isFrozen(found)) Object.assign(found, { data: 'altered', expiresAt: 1, version: 'altered' })
          expectSame('read after the caller modified what read had returned', await store.read('key'), created)
          const next = { data: 'updated', expiresAt }
          const after = await stage.update(store, 'key', next, version)
          Object.assign(next, { data: 'altered', expiresAt: 1 })
          const updated = { data: 'updated', expiresAt, version: after }
          expectSame(
            'read after the caller modified the entry it had passed to update',
            await store.read('key'),
            updated,
          )
        },
      },
    ],
  },
  {
    id: '2.4',
    says: 'Entries do not leak into one another: many keys that are written in parallel all read back as written, and each parallel call gets its own result.',
    cases: [
      {
        title: 'does not mix up 120 entries that are written and read in parallel',
        hint: 'Keep the state of a call in local variables, and match each reply to its request.',
        lacks: ['retention'],
        run: async (stage) => {
          const store = stage.open()
          const all = numbers(120)
          const { expiresAt } = entry('')
          const write = (n: number) => stage.create(store, `key${n}`, { data: dataOf(n), expiresAt: expiresAt + n })
          await inLanes(all, write)
          const found = await Promise.all(all.map((n) => store.read(`key${n}`)))
          for (const n of all) {
            const holds = found[n]?.data === dataOf(n) && found[n].expiresAt === expiresAt + n
            expectThat(holds, `read of key${n}, one of 120 in parallel`, 'its own data and expiry', found[n])
          }
        },
      },
      {
        title: 'gives each of many parallel calls its own result',
        hint: 'Keep the state of a call in local variables, and match each reply to its request. Do not merge calls for different keys.',
        run: async (stage) => {
          const store = stage.open()
          const version = await stage.create(store, 'there', entry('there'))
          const answers = await Promise.all(
            numbers(60).map(async (n) => {
              if (n % 3 === 0) return (await store.read('there'))?.data ?? 'missing'
              if (n % 3 === 1) return (await store.read(`gone${n}`)) === null ? 'null' : 'something'
              return (await store.update(`gone${n}`, entry('new'), version)) === null ? 'null' : 'a version'
            }),
          )
          const expected = numbers(60).map((n) => (n % 3 === 0 ? 'there' : 'null'))
          expectSame('60 parallel reads and updates of existing and missing keys', answers, expected)
        },
      },
    ],
  },
]
