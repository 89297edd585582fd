import type { ServerStore } from '@sess/core/adapter'
import { Breach, expectSame } from '../../breach.js'
import type { ServerClause } from '../../case.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { attempt, callsOf, expectRecovery, expectUnavailable, whenAvailable } from './calls.js'

const KEYS = ['updated', 'destroyed', 'recreated', 'first'] as const

/** Asserts that `store` remembers nothing of what another instance changed during an outage. */
async function expectFresh(stage: ServerStage, store: ServerStore, outage: Outage): Promise<void> {
  const { name, isForAll } = outage
  const other = stage.open()
  const given = entry('before')
  const when = `after ${name} in which another instance wrote`
  const keyOf = (what: string): string => what + name.replaceAll(' ', '')
  const versions = { updated: '', destroyed: '', recreated: '', first: '' }
  for (const what of KEYS) versions[what] = await stage.create(store, keyOf(what), given)
  for (const what of [...KEYS, 'created']) await store.read(keyOf(what))
  await outage.begin()
  await Promise.all([...KEYS, 'created'].map((what) => attempt('read', () => store.read(keyOf(what)))))
  if (isForAll) await outage.end()
  const next = entry('after')
  const updates = () => other.update(keyOf('updated'), next, versions.updated)
  const updated = await whenAvailable(other, 'update by another instance', updates)
  await other.destroy(keyOf('destroyed'))
  await other.destroy(keyOf('recreated'))
  const recreated = await stage.create(other, keyOf('recreated'), next)
  const created = await stage.create(other, keyOf('created'), next)
  await other.update(keyOf('first'), next, versions.first)
  if (!isForAll) await outage.end()

  const first = await whenAvailable(store, `read ${when}`, () => store.read(keyOf('first')))
  expectSame(`the data of the first read ${when}`, first?.data, next.data)
  for (const [what, version] of Object.entries({ updated, recreated, created })) {
    const found = await store.read(keyOf(what))
    const seen = found && { data: found.data, version: found.version }
    expectSame(`read of an entry that was ${what}, ${when}`, seen, { data: next.data, version })
  }
  expectSame(`read of an entry that was destroyed, ${when}`, await store.read(keyOf('destroyed')), null)
  for (const what of ['updated', 'destroyed', 'recreated'] as const) {
    const done = `update of an entry that was ${what}, with its version from before, ${when}`
    expectSame(done, await store.update(keyOf(what), entry('lost'), versions[what]), null)
  }
  expectSame(`create of a key that was created, ${when}`, await store.create(keyOf('created'), entry('lost')), null)
  await stage.create(store, keyOf('destroyed'), next)
}

interface Outage {
  readonly name: string
  readonly begin: () => Promise<void>
  readonly end: () => Promise<void>
  /** Whether the backend is unreachable for every instance. */
  readonly isForAll: boolean
}

const NONE: Outage = { name: 'a while', begin: async () => {}, end: async () => {}, isForAll: true }

/** Asserts that a store remembers nothing from before an outage. */
async function expectAfresh(stage: ServerStage): Promise<void> {
  const { store, faults } = await stage.openFaulty()
  try {
    await expectFresh(stage, stage.open(), NONE)
  } catch (error) {
    // Other clauses are about a store that remembers without an outage.
    if (error instanceof Breach) return
    throw error
  }
  await expectFresh(stage, store, { ...faults, name: 'an outage', isForAll: faults.proxy === undefined })
}

export const recovery: ServerClause = {
  id: '7.2',
  says: 'When the backend is reachable again, the same store instance works again without a restart.',
  cases: [
    {
      title: 'works again when the backend is reachable again',
      hint: 'Connect again when a connection is lost, without limit to the number of attempts and within a second or so.',
      needs: ['faults'],
      isAlone: 'without tcp',
      run: async (stage) => {
        const { store, faults } = await stage.openFaulty()
        await stage.create(store, 'key', entry('data'))
        await faults.begin()
        await Promise.all(
          callsOf(store).map((call) => expectUnavailable(store, call, 'while the backend is unreachable')),
        )
        await faults.end()
        await expectRecovery(store, 'create after the backend is reachable again')
        await stage.read(store, 'key', 'after the backend is reachable again')
      },
    },
    {
      title: 'reads what another instance changed while the backend was unreachable for this one',
      hint: 'Keep nothing in the process that was read before an outage.',
      lacks: ['fresh'],
      needs: ['faults'],
      isAlone: 'without tcp',
      run: expectAfresh,
    },
    {
      title: 'works when the backend starts later than the store',
      hint: 'Do not keep the failure of a first connection, such as a rejected promise.',
      needs: ['faults'],
      isAlone: 'without tcp',
      run: async (stage) => {
        const { store, faults } = await stage.openFaulty()
        await faults.begin()
        await expectUnavailable(store, ['read', () => store.read('key')], 'before the backend has started')
        await faults.end()
        await expectRecovery(store, 'create after the backend has started')
      },
    },
    {
      title: 'works again when the backend answers again',
      hint: 'Drop a connection that did not answer within the deadline: it may never answer again.',
      needs: ['tcp'],
      run: async (stage) => {
        const proxy = await stage.proxy()
        const store = stage.open(stage.scope, proxy.address)
        await stage.create(store, 'key', entry('data'))
        await proxy.set('blackhole')
        await Promise.all(
          callsOf(store).map((call) => expectUnavailable(store, call, 'while the backend does not answer')),
        )
        await proxy.set('none')
        await expectRecovery(store, 'create after the backend answers again')
        await stage.read(store, 'key', 'after the backend answers again')
      },
    },
  ],
}
