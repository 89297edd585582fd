import { isSessError, type ServerStore } from '@sess/core/adapter'
import { describeError, expectFailure, expectSame, expectThat } from '../../breach.js'
import type { Case, ServerClause } from '../../case.js'
import { expectAllReleased } from '../../stage/process-watch.js'
import { entry, type ServerStage } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'
import { withinDeadline } from '../../stage/within-deadline.js'
import { callsOf } from './calls.js'
import { faulty, proxied } from './outage.js'

/** Each of calls in flight ends, with its answer or with an error of the contract. */
async function expectSettled(store: ServerStore, calls: readonly Promise<unknown>[], done: string): Promise<void> {
  await withinDeadline(store, done, async () => {
    for (const outcome of await Promise.allSettled(calls)) {
      if (outcome.status === 'fulfilled') continue
      const isRight = isSessError(outcome.reason) && ['UNAVAILABLE', 'CLOSED'].includes(outcome.reason.code)
      expectThat(isRight, done, 'an answer, UNAVAILABLE or CLOSED', describeError(outcome.reason))
    }
  })
}

async function expectClosed(store: ServerStore): Promise<void> {
  for (const [name, call] of callsOf(store)) await expectFailure(`${name} after close`, call, 'CLOSED')
}

const close: readonly Case<ServerStage>[] = [
  {
    title: 'is CLOSED after close, which may be called again',
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
        withinDeadline(store, 'close beside 40 creates', () => Promise.all([store.close(), store.close()])),
        expectSettled(store, calls, 'one of 40 creates beside a close'),
      ])
      await expectClosed(store)
    },
  },
  ...(['refuse', 'blackhole'] as const).map((fault): Case<ServerStage> => ({
    title: `closes in time while the backend ${fault === 'refuse' ? 'is away' : 'says nothing'}`,
    needs: [fault === 'refuse' ? 'faults' : 'tcp'],
    isAlone: fault === 'refuse' && 'without tcp',
    run: async (stage) => {
      const begin = fault === 'refuse' ? faulty(true) : proxied(true, () => fault)
      const store = await begin(stage)
      const calls = callsOf(store).map(([, call]) => call())
      await Promise.all([
        expectSettled(store, calls, 'a call in flight when the store is closed'),
        withinDeadline(store, 'close while the backend is not there', () => store.close()),
      ])
      await expectClosed(store)
    },
  })),
  {
    title: 'keeps nothing that would keep the process from its end',
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
    title: 'keeps nothing that would keep the process from its end, though the backend is away',
    needs: ['faults'],
    isAlone: true,
    run: (stage) =>
      expectAllReleased(
        'an instance that was closed while the backend was away',
        async () => {
          const store = await faulty(true)(stage)
          const calls = callsOf(store).map(([, call]) => call())
          await withinDeadline(store, 'calls while the backend is away', () => Promise.allSettled(calls))
          await withinDeadline(store, 'close while the backend is away', () => store.close())
          await stage.close()
        },
        stage.backend.releasesWithin,
      ),
  },
  {
    title: 'leaves a client open that the caller passed in',
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
  says: 'close resolves within deadline, also while the backend is down; after it every method is CLOSED; closing twice is not an error; calls in flight end; a client that the caller passed in is left open; the process can exit.',
  cases: close,
}
