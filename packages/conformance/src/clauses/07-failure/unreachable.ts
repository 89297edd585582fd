import type { ServerStore } from '@sess/core/adapter'
import type { Case, ServerClause } from '../../case.js'
import type { ServerStage } from '../../stage/server.js'
import { callsOf, expectUnavailable } from './calls.js'
import { faulty, proxied } from './outage.js'

/** Before it was used, or after. */
function expectAllUnavailable(isUsed: boolean, begin: (stage: ServerStage) => Promise<ServerStore>, when: string) {
  return async (stage: ServerStage): Promise<void> => {
    const store = await begin(stage)
    const state = isUsed ? 'by an instance that was at work' : 'by an instance that was never used'
    await Promise.all(callsOf(store).map((call) => expectUnavailable(store, call, `${when}, ${state}`)))
  }
}

const unreachable = [false, true].flatMap((isUsed): Case<ServerStage>[] => {
  const name = isUsed ? 'an instance at work' : 'an unused instance'
  return [
    {
      title: `answers UNAVAILABLE when the backend is away from ${name}`,
      needs: ['faults'],
      isAlone: 'without tcp',
      run: expectAllUnavailable(isUsed, faulty(isUsed), 'while the backend is away'),
    },
    {
      title: `answers UNAVAILABLE in time when the backend says nothing to ${name}`,
      needs: ['tcp'],
      run: expectAllUnavailable(
        isUsed,
        proxied(isUsed, () => 'blackhole'),
        'while the backend says nothing',
      ),
    },
  ]
})

export const unreachableBackend: ServerClause = {
  id: '7.1',
  says: 'An unreachable backend is UNAVAILABLE, within deadline, for every method; it is never null, never an empty session, never a hang, and the error shows no data.',
  cases: [
    ...unreachable,
    {
      title: 'answers UNAVAILABLE in time when each reply comes too late',
      needs: ['tcp'],
      run: expectAllUnavailable(
        true,
        proxied(true, ({ deadline }) => ({ delay: deadline * 2 })),
        'while replies are late',
      ),
    },
    {
      title: 'answers UNAVAILABLE when the reply is cut off',
      needs: ['tcp'],
      run: async (stage) => {
        const store = await proxied(true, () => 'cut replies')(stage)
        // One at a time: of several replies that come as one, half may hold a whole one.
        for (const call of callsOf(store)) await expectUnavailable(store, call, 'while its reply is cut off')
      },
    },
  ],
}
