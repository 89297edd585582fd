import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerStore } from '@sess/core/adapter'
import { expectSame, expectThat } from '../../breach.js'
import type { Case } from '../../case.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { attempt, expectRecovery, whenAvailable } from './calls.js'

/** Milliseconds between two looks for a late write. */
const POLL_MS = 50

/** How long late writes are looked for, in milliseconds. A store that sends again does so within its deadline. */
function lookFor({ deadline }: ServerStore): number {
  return Math.min(Math.max(deadline, 1000), 2000)
}

/** The data that must be under each key, whatever arrives late. */
type Expected = Readonly<Record<string, string | undefined>>

async function look(other: ServerStore, expected: Expected, when: string): Promise<void> {
  for (const [key, data] of Object.entries(expected))
    expectSame(`the data read under '${key}' by another instance, ${when}`, (await other.read(key))?.data, data)
}

/** Asserts for a while that no late write arrives. `store` is used meanwhile, and closed, to make it send what it kept. */
async function expectNothingLate(
  stage: ServerStage,
  store: ServerStore,
  expected: Expected,
  since: string,
): Promise<void> {
  const other = stage.open()
  const end = performance.now() + lookFor(store)
  while (performance.now() < end) {
    await attempt('read', () => store.read('unknown'))
    await look(other, expected, since)
    await sleep(POLL_MS)
  }
  await store.close()
  const last = stage.open()
  await look(last, expected, `${since} and the store was closed`)
  await sleep(POLL_MS)
  await look(last, expected, `${since} and the store was closed a moment ago`)
}

/** Asserts that writes which failed during a fault are not applied later over what others have written since. */
async function expectNoneLate(
  stage: ServerStage,
  begin: (stage: ServerStage) => Promise<{ store: ServerStore; end: () => Promise<void> }>,
): Promise<void> {
  const other = stage.open()
  const before = entry('before')
  const versions = { updated: '', destroyed: '', renewed: '' }
  for (const key of ['updated', 'destroyed', 'renewed'] as const) versions[key] = await stage.create(other, key, before)
  const { store, end } = await begin(stage)
  const late = entry('late')
  await Promise.all([
    ...(['updated', 'destroyed', 'renewed'] as const).map((key) =>
      attempt('update', () => store.update(key, late, versions[key])),
    ),
    ...['absent', 'created'].map((key) => attempt('create', () => store.create(key, late))),
  ])
  await end()
  // A failed write may still have been applied up to here, because nothing has been written since.
  const found = await whenAvailable(other, 'read by another instance', () => stage.read(other, 'updated'))
  const given = entry('newest')
  await stage.update(other, 'updated', given, found.version)
  for (const key of ['destroyed', 'renewed', 'absent', 'created']) await other.destroy(key)
  await stage.create(other, 'renewed', given)
  await stage.create(other, 'created', given)
  await expectRecovery(store, 'create after the fault ended')
  // Two keys stay empty: a late write would be refused where another entry is.
  const expected = { updated: 'newest', renewed: 'newest', created: 'newest', destroyed: undefined, absent: undefined }
  await expectNothingLate(stage, store, expected, 'after a fault in which writes failed')
}

/** Asserts that a write which was applied is not applied again once another instance has destroyed its entry. */
async function expectNotAgain(stage: ServerStage, method: 'create' | 'update'): Promise<void> {
  const proxy = await stage.proxy()
  const [store, other] = [stage.open(stage.scope, proxy.address), stage.open()]
  const version = method === 'update' ? await stage.create(store, 'lostkey', entry('before')) : ''
  await store.read('unknown')
  let isApplied = false
  let following: Promise<void> | undefined
  const follow = async (): Promise<void> => {
    isApplied = (await other.read('lostkey'))?.data === 'data'
    await other.destroy('lostkey')
  }
  await proxy.set({
    loseReplyTo: (request) => {
      if (following !== undefined || !request.includes('lostkey')) return false
      following = follow()
      // `following` is awaited below, unless another check fails first.
      following.catch(() => undefined)
      return true
    },
  })
  const given = entry('data')
  const done = `${method} whose reply was lost, and whose entry another instance destroyed`
  const came = await attempt(done, () =>
    method === 'create' ? store.create('lostkey', given) : store.update('lostkey', given, version),
  )
  await following
  if (!isApplied) return
  expectThat(came !== null, done, 'UNAVAILABLE, or a version, because it was applied', came)
  await expectNothingLate(stage, store, { lostkey: undefined }, `after a ${done}`)
}

const HINT =
  'A write that failed must be forgotten. Turn off what a client queues while it is offline, and what it sends again after it has connected.'

export const lateWrites: readonly Case<ServerStage>[] = [
  {
    title: 'does not apply a late write over newer ones after the backend was unreachable',
    hint: HINT,
    lacks: ['fresh'],
    needs: ['faults'],
    isAlone: 'without tcp',
    run: (stage) =>
      expectNoneLate(stage, async () => {
        const { store, faults } = await stage.openFaulty()
        await store.read('unknown')
        await faults.begin()
        return { store, end: faults.end }
      }),
  },
  {
    title: 'does not apply a late write over newer ones after the backend did not answer',
    hint: HINT,
    lacks: ['fresh'],
    needs: ['tcp'],
    run: (stage) =>
      expectNoneLate(stage, async () => {
        const proxy = await stage.proxy()
        const store = stage.open(stage.scope, proxy.address)
        await store.read('unknown')
        await proxy.set('blackhole')
        return { store, end: () => proxy.set('none') }
      }),
  },
  ...(['create', 'update'] as const).map((method): Case<ServerStage> => ({
    title: `does not ${method} an entry again that another instance destroyed after the reply was lost`,
    hint: HINT,
    lacks: ['fresh'],
    needs: ['tcp'],
    run: (stage) => expectNotAgain(stage, method),
  })),
]
