import { isSessError, type ServerStore } from '@sess/core/adapter'
import { describeError, expectFailure, expectSame, expectThat, show } from '../../breach.js'
import type { Case, ServerClause } from '../../case.js'
import { expectAllReleased } from '../../stage/process-watch.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'
import { withinDeadline } from '../../stage/within-deadline.js'
import { callsOf } from './calls.js'
import { faulty, proxied } from './outage.js'

interface InFlight {
  readonly name: string
  readonly call: Promise<unknown>
  /** Whether a result is the one that the backend would give. */
  readonly isRight: (came: unknown) => boolean
}

/** Asserts that each call in flight ends with the right result, or with an error that says that there is none. */
async function expectSettled(store: ServerStore, calls: readonly InFlight[], done: string): Promise<void> {
  await withinDeadline(store, done, async () => {
    const outcomes = await Promise.allSettled(calls.map(({ call }) => call))
    for (const [at, outcome] of outcomes.entries()) {
      const { name = '', isRight = () => false } = calls[at] ?? {}
      const isSaid = outcome.status === 'rejected' && saysNone(outcome.reason)
      const hasResult = outcome.status === 'fulfilled' && isRight(outcome.value)
      const came = outcome.status === 'fulfilled' ? show(outcome.value) : describeError(outcome.reason)
      expectThat(isSaid || hasResult, `${name}, ${done}`, 'its result, UNAVAILABLE or CLOSED', came)
    }
  })
}

function saysNone(error: unknown): boolean {
  return isSessError(error) && ['UNAVAILABLE', 'CLOSED'].includes(error.code)
}

function isGiven(came: unknown): boolean {
  return came !== null
}

/** Calls of each method, each of which must find what is there. */
async function useWhileClosing(stage: ServerStage, store: ServerStore): Promise<readonly InFlight[]> {
  const versions = await Promise.all(numbers(10).map((n) => stage.create(store, `held${n}`, entry('data'))))
  return versions.flatMap((version, n) => [
    { name: 'create of a new key', call: store.create(`key${n}`, entry('data')), isRight: isGiven },
    { name: 'read of an entry', call: store.read(`held${n}`), isRight: isGiven },
    { name: 'update of an entry', call: store.update(`held${n}`, entry('data'), version), isRight: isGiven },
    { name: 'destroy', call: store.destroy(`gone${n}`), isRight: () => true },
  ])
}

async function expectClosed(store: ServerStore): Promise<void> {
  for (const [name, call] of callsOf(store)) await expectFailure(`${name} after close`, call, 'CLOSED')
}

const close: readonly Case<ServerStage>[] = [
  {
    title: 'fails with CLOSED after close, and close can be called again',
    run: async (stage) => {
      for (const isUsed of [true, false]) {
        const store = stage.open()
        if (isUsed) await stage.create(store, 'key', entry('data'))
        await withinDeadline(store, 'close', () => store.close())
        await withinDeadline(store, 'a second close', () => store.close())
        await expectClosed(store)
        await withinDeadline(store, 'a third close', () => store.close())
      }
    },
  },
  {
    title: 'lets calls in flight end when it is closed',
    run: async (stage) => {
      const store = stage.open()
      const calls = await useWhileClosing(stage, store)
      await Promise.all([
        withinDeadline(store, 'close during 40 calls', () => Promise.all([store.close(), store.close()])),
        expectSettled(store, calls, 'one of 40 calls in flight when the store is closed'),
      ])
      await expectClosed(store)
    },
  },
  ...(['refuse', 'blackhole'] as const).map((fault): Case<ServerStage> => ({
    title: `closes within the deadline while the backend ${fault === 'refuse' ? 'is unreachable' : 'does not answer'}`,
    needs: [fault === 'refuse' ? 'faults' : 'tcp'],
    isAlone: fault === 'refuse' && 'without tcp',
    run: async (stage) => {
      const begin = fault === 'refuse' ? faulty(true) : proxied(true, () => fault)
      const store = await begin(stage)
      // Clause 7.1 checks what they answer while the backend is away.
      const calls = callsOf(store).map(([name, call]) => ({ name, call: call(), isRight: () => true }))
      await Promise.all([
        expectSettled(store, calls, 'in flight when the store is closed'),
        withinDeadline(store, 'close while the backend is unreachable', () => store.close()),
      ])
      await expectClosed(store)
    },
  })),
  {
    title: 'lets the process exit after close',
    turn: 'first',
    run: (stage) =>
      expectAllReleased(
        'an instance that was used and closed',
        async () => {
          const store = stage.open()
          await stage.create(store, 'key', entry('data'))
          await Promise.all(numbers(20).map((n) => store.read(`key${n}`)))
          await withinDeadline(store, 'close', () => store.close())
        },
        stage.backend.releasesWithin,
      ),
  },
  {
    title: 'lets the process exit after close while the backend is unreachable',
    needs: ['faults'],
    turn: 'first',
    run: (stage) =>
      expectAllReleased(
        'an instance that was closed while the backend was unreachable',
        async () => {
          const store = await faulty(true)(stage)
          const calls = callsOf(store).map(([, call]) => call())
          await withinDeadline(store, 'calls while the backend is unreachable', () => Promise.allSettled(calls))
          await withinDeadline(store, 'close while the backend is unreachable', () => store.close())
          await stage.close()
        },
        stage.backend.releasesWithin,
      ),
  },
  {
    title: 'leaves a client that the caller passed in open',
    needs: ['passedIn'],
    run: async (stage) => {
      const { passedIn } = stage.harness
      if (!passedIn) return
      const store = stage.make(passedIn.options({ scope: stage.scope, address: stage.backend.tcp ?? '' }))
      await stage.create(store, 'key', entry('data'))
      await store.close()
      expectSame('whether the client that was passed in is open after close', await passedIn.isOpen(), true)
    },
  },
]

export const closing: ServerClause = {
  id: '7.5',
  says: 'close resolves within the deadline, even while the backend is down. Calls in flight end with their result, UNAVAILABLE or CLOSED. After close, every method fails with CLOSED, and closing again is not an error. A client that the caller passed in stays open. The process can exit.',
  cases: close,
}
