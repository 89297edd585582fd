import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerStore } from '@sess/core/adapter'
import { expectSame, expectThat, show } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry, type ServerStage } from '../stage/server.js'
import { numbers } from '../stage/text.js'

/** Strings that are not versions of any store. Some would disturb a backend if they were sent to it unchecked. */
const MALFORMED = [
  '',
  ' ',
  '0',
  '1',
  '-1',
  'null',
  'undefined',
  '%',
  '*',
  `' OR '1'='1`,
  'a\0b',
  'a\r\nb',
  'é',
  'v'.repeat(5000),
]

export const update: readonly ServerClause[] = [
  {
    id: '3.1',
    says: 'update with the current version replaces data and expiry completely: nothing of a longer old value remains, and the new expiry applies whether it is sooner or later than the old one.',
    cases: [-60_000, 0, 60_000].map((difference) => ({
      title: `replaces data and expiry completely when the new expiry is ${difference < 0 ? 'sooner' : difference > 0 ? 'later' : 'the same'}`,
      run: async (stage: ServerStage) => {
        const store = stage.open()
        const old = entry('a long value that must not remain in part')
        const first = await stage.create(store, 'key', old)
        const next = { data: 'new', expiresAt: old.expiresAt + difference }
        const second = await stage.update(store, 'key', next, first)
        expectThat(second !== first, 'update', 'a version that differs from the old one', second)
        expectSame('read after update', await store.read('key'), { ...next, version: second })
        const third = await stage.update(store, 'key', old, second)
        expectSame('read after a second update', await store.read('key'), { ...old, version: third })
      },
    })),
  },
  {
    id: '3.2',
    says: 'update with a version that is not current (superseded, destroyed, unknown, malformed) resolves with null, changes nothing and creates nothing.',
    cases: [
      {
        title: 'refuses a superseded version',
        run: async (stage) => {
          const store = stage.open()
          const first = await stage.create(store, 'key', entry('first'))
          const given = entry('second')
          const second = await stage.update(store, 'key', given, first)
          expectSame('update with a superseded version', await store.update('key', entry('lost'), first), null)
          expectSame('read after that update', await store.read('key'), { ...given, version: second })
          await stage.update(store, 'key', entry('third'), second)
          for (const old of [first, second])
            expectSame('update with a superseded version', await store.update('key', entry('lost'), old), null)
        },
      },
      {
        title: 'refuses the version of a destroyed entry, and creates nothing',
        run: async (stage) => {
          const store = stage.open()
          const version = await stage.create(store, 'key', entry('data'))
          await store.destroy('key')
          expectSame('update of a destroyed entry', await store.update('key', entry('revived'), version), null)
          expectSame('read after it', await store.read('key'), null)
        },
      },
      {
        title: 'refuses the version of another entry, and a version that no store made',
        run: async (stage) => {
          const store = stage.open()
          const given = entry('data')
          const version = await stage.create(store, 'key', given)
          const other = await stage.create(store, 'other', entry('other'))
          const altered = [`${version} `, `${version}0`, version.slice(0, -1), `${version.slice(0, -1)}~`]
          const counted = numbers(20).map(String)
          // A store that counts may have made one of these as the current version.
          const wrongs = [other, ...altered, ...MALFORMED, ...counted].filter((wrong) => wrong !== version)
          for (const wrong of wrongs) {
            const known = await store.update('key', entry('lost'), wrong)
            expectSame(`update with ${show(wrong)}, which is not the current version`, known, null)
            const unknown = await store.update('unknown', entry('new'), wrong)
            expectSame(`update of an unknown key with ${show(wrong)}`, unknown, null)
          }
          expectSame('read of the entry after these updates', await store.read('key'), { ...given, version })
          expectSame('read of the unknown key after these updates', await store.read('unknown'), null)
        },
      },
    ],
  },
  {
    id: '3.3',
    says: 'Of many concurrent updates from one version, exactly one succeeds. The others resolve with null.',
    cases: [
      {
        title: 'lets one of 50 concurrent updates win, on two instances',
        lacks: ['atomic', 'fresh'],
        run: async (stage) => {
          const stores = [stage.open(), stage.open()]
          let version = await stage.create(stage.open(), 'key', entry('start'))
          for (const round of numbers(4)) {
            const updates = numbers(25).flatMap((n) => stores.map((store, at) => ({ store, data: `${n} of ${at}` })))
            const from = version
            const came = await Promise.all(updates.map(({ store, data }) => store.update('key', entry(data), from)))
            const winners = updates.filter((_, at) => came[at] !== null)
            const done = '50 concurrent updates from one version'
            expectThat(
              winners.length === 1,
              done,
              'a version from exactly one, and null from the others',
              winners.map(({ data }) => data),
            )
            const found = await stage.read(stores[round % 2] ?? stage.open(), 'key')
            expectSame(`read after ${done}`, found.data, winners[0]?.data)
            version = found.version
          }
        },
      },
    ],
  },
  {
    id: '3.4',
    says: 'An old version never becomes current again: not by writing the old value again, not by destroying the key and creating it again, and not by a restart of the backend. Versions come from randomness or a persistent counter, never from the content or from a counter that restarts.',
    cases: [
      {
        title: 'does not make an old version current when the old value is written again',
        run: async (stage) => {
          const store = stage.open()
          const [old, other] = [entry('old'), entry('new')]
          const first = await stage.create(store, 'key', old)
          const second = await stage.update(store, 'key', other, first)
          const third = await stage.update(store, 'key', old, second)
          expectThat(
            new Set([first, second, third]).size === 3,
            'writes of an old value, a new value and the old value again',
            'three different versions',
            [first, second, third],
          )
          expectSame('update with the first version', await store.update('key', entry('lost'), first), null)
        },
      },
      {
        title: 'does not make an old version current when the key is destroyed and created again',
        run: async (stage) => {
          const store = stage.open()
          const given = entry('same')
          const versions = new Set<string>()
          for (const _ of numbers(20)) {
            for (const old of versions)
              expectSame(
                'update with a version from before a destroy',
                await store.update('key', entry('lost'), old),
                null,
              )
            versions.add(await stage.create(store, 'key', given))
            await store.destroy('key')
          }
          expectThat(versions.size === 20, 'one key, created and destroyed 20 times', '20 different versions', [
            ...versions,
          ])
        },
      },
      {
        title: 'does not make an old version current when the backend restarts',
        needs: ['restart'],
        isAlone: true,
        run: async (stage) => {
          // A counter that restarts with the backend must start at the same number below, without other cases' writes.
          await stage.backend.restart?.()
          const before = stage.open()
          const given = entry('same')
          const first = await stage.create(before, 'key', given)
          const second = await stage.update(before, 'key', given, first)
          await before.close()
          await stage.backend.restart?.()
          const after = stage.open()
          // The entry may have survived. A read would not show it if the store lacks 'fresh'.
          await after.destroy('key')
          const third = await stage.create(after, 'key', given)
          const fourth = await stage.update(after, 'key', given, third)
          for (const old of [first, second]) {
            expectThat(
              old !== third && old !== fourth,
              'create and update after a restart',
              'versions that did not exist before it',
              old,
            )
            const came = await after.update('key', entry('lost'), old)
            expectSame('update with a version from before the restart', came, null)
          }
        },
      },
    ],
  },
  {
    id: '3.5',
    says: 'If N writers each increment a value once, by repeating read and update until the update succeeds, the value grows by exactly N.',
    cases: [
      {
        title: 'loses no increment of 8 writers on two instances',
        lacks: ['atomic', 'fresh'],
        run: async (stage) => {
          const stores = [stage.open(), stage.open()]
          await stage.create(stage.open(), 'key', entry('0'))
          const writers = numbers(4).flatMap(() => stores)
          await Promise.all(writers.map((store) => increment(stage, store, 10)))
          const found = await stage.read(stage.open(), 'key')
          expectSame('80 increments by 8 writers', found.data, '80')
        },
      },
    ],
  },
  {
    id: '3.6',
    says: 'Once update has resolved, every instance on the same scope reads the new entry.',
    cases: [
      {
        title: 'shows an update at once to another instance that had read the old entry',
        lacks: ['fresh'],
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open()]
          let version = await stage.create(one, 'key', entry('0'))
          for (const n of numbers(5)) {
            await stage.read(other, 'key')
            const given = entry(`${n + 1}`)
            version = await stage.update(one, 'key', given, version)
            expectSame('read by another instance after update', await other.read('key'), { ...given, version })
          }
        },
      },
    ],
  },
]

async function increment(stage: ServerStage, store: ServerStore, times: number): Promise<void> {
  for (const _ of numbers(times)) {
    for (let attempt = 0; ; attempt++) {
      const found = await stage.read(store, 'key')
      if ((await store.update('key', entry(`${Number(found.data) + 1}`), found.version)) !== null) break
      expectThat(
        attempt < 500,
        '500 attempts to update an entry that was just read',
        'a version from one of them',
        'null from each',
      )
      await sleep(Math.random() * 2)
    }
  }
}
