import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerStore } from '@sess/core/adapter'
import { expectSame, expectThat, show } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry, type ServerStage } from '../stage/server.js'
import { numbers } from '../stage/text.js'

/** Strings that no store has made a version of; some would be noticed by a backend, were they sent to it as they are. */
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
    says: 'With the current version it replaces data and expiry whole: nothing of a longer old value remains, and the expiry is the new one whether sooner or later.',
    cases: [-60_000, 0, 60_000].map((difference) => ({
      title: `replaces data and expiry whole, when the expiry is ${difference < 0 ? 'sooner' : difference > 0 ? 'later' : 'the same'}`,
      run: async (stage: ServerStage) => {
        const store = stage.open()
        const old = entry('a long value, of which nothing may remain')
        const first = await stage.create(store, 'key', old)
        const next = { data: 'new', expiresAt: old.expiresAt + difference }
        const second = await stage.update(store, 'key', next, first)
        expectThat(second !== first, 'update', 'another version than before', second)
        expectSame('read after update', await store.read('key'), { ...next, version: second })
        const third = await stage.update(store, 'key', old, second)
        expectSame('read after a second update', await store.read('key'), { ...old, version: third })
      },
    })),
  },
  {
    id: '3.2',
    says: 'With a version that is not current (superseded, destroyed, unknown, malformed) it resolves null, changes nothing and creates nothing.',
    cases: [
      {
        title: 'refuses a superseded version',
        run: async (stage) => {
          const store = stage.open()
          const first = await stage.create(store, 'key', entry('first'))
          const given = entry('second')
          const second = await stage.update(store, 'key', given, first)
          expectSame('update with a superseded version', await store.update('key', entry('lost'), first), null)
          expectSame('read after it', await store.read('key'), { ...given, version: second })
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
        title: 'refuses a version of another entry, and one that nobody made',
        run: async (stage) => {
          const store = stage.open()
          const given = entry('data')
          const version = await stage.create(store, 'key', given)
          const other = await stage.create(store, 'other', entry('other'))
          const altered = [`${version} `, `${version}0`, version.slice(0, -1), `${version.slice(0, -1)}~`]
          const counted = numbers(20).map(String)
          // A counter may have made one of them.
          const wrongs = [other, ...altered, ...MALFORMED, ...counted].filter((wrong) => wrong !== version)
          for (const wrong of wrongs) {
            const known = await store.update('key', entry('lost'), wrong)
            expectSame(`update with ${show(wrong)}, which is not the version`, known, null)
            const unknown = await store.update('unknown', entry('new'), wrong)
            expectSame(`update of an unknown key with ${show(wrong)}`, unknown, null)
          }
          expectSame('read of the entry after them', await store.read('key'), { ...given, version })
          expectSame('read of the unknown key after them', await store.read('unknown'), null)
        },
      },
    ],
  },
  {
    id: '3.3',
    says: 'Of many concurrent updates from one version, exactly one wins.',
    cases: [
      {
        title: 'lets one of 50 concurrent updates win, on two instances',
        lack: 'atomic',
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
              'one version, and null for the others',
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
    says: 'Versions do not come back: neither writing the old value again, nor destroying and creating the key anew, nor a restart of the backend makes an old version current.',
    cases: [
      {
        title: 'makes no old version current by writing the old value again',
        run: async (stage) => {
          const store = stage.open()
          const [old, other] = [entry('old'), entry('new')]
          const first = await stage.create(store, 'key', old)
          const second = await stage.update(store, 'key', other, first)
          const third = await stage.update(store, 'key', old, second)
          expectThat(new Set([first, second, third]).size === 3, 'old, new and old again', 'three versions', [
            first,
            second,
            third,
          ])
          expectSame('update with the first version', await store.update('key', entry('lost'), first), null)
        },
      },
      {
        title: 'makes no old version current by destroying and creating the key anew',
        run: async (stage) => {
          const store = stage.open()
          const given = entry('same')
          const versions = new Set<string>()
          for (const _ of numbers(20)) {
            for (const old of versions)
              expectSame('update with a version of a former life', await store.update('key', entry('lost'), old), null)
            versions.add(await stage.create(store, 'key', given))
            await store.destroy('key')
          }
          expectThat(versions.size === 20, '20 lives of one key', '20 versions', [...versions])
        },
      },
      {
        title: 'makes no old version current by a restart of the backend',
        needs: ['restart'],
        isAlone: true,
        run: async (stage) => {
          // What counts from the start of the backend has counted others' writes: it is to begin at the same number.
          await stage.backend.restart?.()
          const before = stage.open()
          const given = entry('same')
          const first = await stage.create(before, 'key', given)
          const second = await stage.update(before, 'key', given, first)
          await before.close()
          await stage.backend.restart?.()
          const after = stage.open()
          const survivor = await after.read('key')
          if (survivor !== null) await after.destroy('key')
          const third = await stage.create(after, 'key', given)
          const fourth = await stage.update(after, 'key', given, third)
          for (const old of [first, second]) {
            expectThat(old !== third && old !== fourth, 'create and update after a restart', 'versions of its own', old)
            const came = await after.update('key', entry('lost'), old)
            expectSame('update with a version of before the restart', came, null)
          }
        },
      },
    ],
  },
  {
    id: '3.5',
    says: 'N writers, each looping read and update until it wins, leave exactly N increments.',
    cases: [
      {
        title: 'keeps each increment of 8 writers on two instances',
        lack: 'atomic',
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
    says: 'When update has resolved, every instance on the same scope reads the new entry.',
    cases: [
      {
        title: 'shows an update at once to an instance that had read the old entry',
        lack: 'fresh',
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
      expectThat(attempt < 500, '500 attempts to update what was just read', 'one of them wins', 'null each time')
      await sleep(Math.random() * 2)
    }
  }
}
