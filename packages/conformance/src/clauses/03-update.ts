import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerStore } from '@sess/core/adapter'
import { expectSame, expectThat } from '../breach.js'
import type { ServerClause } from '../case.js'
import { entry, type ServerStage } from '../stage/server.js'
import { numbers } from '../stage/text.js'
import { staleVersions } from './03-version.js'
import { wholeUpdates } from './03-whole.js'
import { expectOneWinner, staggered } from './race.js'

/** The hint where concurrent updates were lost. */
const COMPARE =
  'The backend must compare the version and write in one step (UPDATE … WHERE version = ?, a script, cas). A store that reads first and then writes loses updates.'

/** The hint where a version came back. */
const RENEW =
  'Make each version from random bytes, or from a counter that the backend never sets back. A hash of the content comes back with the content.'

export const update: readonly ServerClause[] = [
  wholeUpdates,
  staleVersions,
  {
    id: '3.3',
    says: 'Of many concurrent updates from one version, exactly one succeeds. The others resolve with null.',
    cases: [
      {
        title: 'lets one of 50 concurrent updates win, on two instances',
        hint: COMPARE,
        lacks: ['atomic', 'fresh'],
        run: async (stage) => {
          const stores = [stage.open(), stage.open()]
          let version = await stage.create(stage.open(), 'key', entry('start'))
          for (const round of numbers(4)) {
            const updates = numbers(25).flatMap((n) => stores.map((store, at) => ({ store, data: `${n} of ${at}` })))
            const from = version
            for (const store of stores) await stage.read(store, 'key')
            const came = await Promise.all(updates.map(({ store, data }) => store.update('key', entry(data), from)))
            const done = '50 concurrent updates from one version'
            const winner = updates[expectOneWinner(done, came)]
            const found = await stage.read(stores[round % 2] ?? stage.open(), 'key')
            expectSame(`the data read after ${done}`, found.data, winner?.data)
            version = found.version
          }
        },
      },
      {
        title: 'lets one of two updates win, however much later the second begins',
        hint: COMPARE,
        lacks: ['atomic', 'fresh'],
        run: (stage) =>
          staggered(stage, async (key, [one, other], later) => {
            const version = await stage.create(one, key, entry('start'))
            await stage.read(other, key)
            const came = await Promise.all([
              one.update(key, entry('first'), version),
              later(() => other.update(key, entry('second'), version)),
            ])
            const winner = expectOneWinner('two updates from one version, the second one later', came)
            const found = await stage.read(one, key)
            expectSame('the data read after two updates from one version', found.data, ['first', 'second'][winner])
          }),
      },
    ],
  },
  {
    id: '3.4',
    says: 'An old version never becomes current again: not by writing the old value again, not by destroying the key and creating it again, and not by a restart of the backend. Versions come from randomness or a persistent counter, never from the content or from a counter that restarts.',
    cases: [
      {
        title: 'does not make an old version current when the old value is written again',
        hint: RENEW,
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
        hint: RENEW,
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
        title: 'does not make the version of one instance again in another',
        hint: 'A counter or a seed of one instance is that of the next one, too. Use random bytes, or a counter of the backend.',
        run: async (stage) => {
          const given = entry('same')
          const versions = new Set<string>()
          for (const round of numbers(5)) {
            const store = stage.open()
            const first = await stage.create(store, 'key', given)
            const second = await stage.update(store, 'key', given, first)
            for (const old of versions)
              expectSame(
                'update with a version that another instance made before a destroy',
                await store.update('key', entry('lost'), old),
                null,
              )
            versions.add(first).add(second)
            const done = `one key, created, updated and destroyed by ${round + 1} instances`
            expectThat(versions.size === 2 * (round + 1), done, 'a different version from each write', [...versions])
            await store.destroy('key')
          }
        },
      },
      {
        title: 'does not make an old version current when the backend restarts',
        hint: RENEW,
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
        hint: COMPARE,
        lacks: ['atomic', 'fresh'],
        run: async (stage) => {
          const stores = [stage.open(), stage.open()]
          await stage.create(stage.open(), 'key', entry('0 times'))
          const writers = numbers(4).flatMap(() => stores)
          await Promise.all(writers.map((store) => increment(stage, store, 10)))
          const found = await stage.read(stage.open(), 'key')
          expectSame('80 increments by 8 writers', found.data, '80 times')
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
        hint: 'Do not answer reads from memory in the process, and do not read a replica.',
        lacks: ['fresh'],
        run: async (stage) => {
          const [one, other] = [stage.open(), stage.open()]
          let version = await stage.create(one, 'key', entry('first'))
          for (const n of numbers(5)) {
            await stage.read(other, 'key')
            const given = entry(`update ${n}`)
            version = await stage.update(one, 'key', given, version)
            expectSame('read by another instance after update', await other.read('key'), { ...given, version })
          }
        },
      },
      {
        title: 'shows an update of another instance at once to the instance that wrote the entry',
        hint: 'Do not answer reads from memory in the process, not even for what the instance wrote itself.',
        lacks: ['fresh'],
        run: async (stage) => {
          const stores = [stage.open(), stage.open()]
          let version = await stage.create(stage.open(), 'key', entry('first'))
          for (const store of stores) await stage.read(store, 'key')
          for (const n of numbers(6)) {
            const writer = stores[n % 2]
            if (writer === undefined) continue
            const given = entry(`update ${n}`)
            version = await stage.update(writer, 'key', given, version)
            for (const store of stores)
              expectSame('read after updates by two instances in turn', await store.read('key'), { ...given, version })
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
      if ((await store.update('key', entry(`${Number.parseInt(found.data) + 1} times`), found.version)) !== null) break
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
