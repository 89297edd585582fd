import { isSessError, type ServerStore } from '@sess/core/adapter'
import { describeError, expectFailure, expectSame, expectThat } from '../../breach.js'
import type { Case, ServerClause } from '../../case.js'
import { expectAllReleased } from '../../stage/process-watch.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'
import { withinDeadline } from '../../stage/within-deadline.js'
import { callsOf } from './calls.js'
import { faulty, proxied } from './outage.js'

/** Asserts that each call in flight ends with a result or with an error that the contract allows. */
async function expectSettled(store: ServerStore, calls: readonly Promise<unknown>[], done: string): Promise<void> {
  await withinDeadline(store, done, async () => {
    for (const outcome of await Promise.allSettled(calls)) {
      if (outcome.status === 'fulfilled') continue
      const isRight = isSessError(outcome.reason) && ['UNAVAILABLE', 'CLOSED'].includes(outcome.reason.code)
      expectThat(isRight, done, 'a result, UNAVAILABLE or CLOSED', describeError(outcome.reason))
    }
  })
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
      const calls = numbers(40).map((n) => store.create(`key${n}`, entry('data')))
      await Promise.all([
        withinDeadline(store, 'close during 40 creates', () => Promise.all([store.close(), store.close()])),
        expectSettled(store, calls, 'one of 40 creates during a close'),
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
      const calls = callsOf(store).map(([, call]) => call())
      await Promise.all([
        expectSettled(store, calls, 'a call in flight when the store is closed'),
        withinDeadline(store, 'close while the backend is unreachable', () => store.close()),
      ])
      await expectClosed(store)
    },
  })),
  {
    title: 'lets the process exit after close',
    isAlone: true,
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
    isAlone: true,
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
  says: 'close resolves within the deadline, even while the backend is down. Calls in flight end. After close, every method fails with CLOSED, and closing again is not an error. A client that the caller passed in stays open. The process can exit.',
  cases: close,
}
