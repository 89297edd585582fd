import type { ServerStore } from '@sess/core/adapter'
import type { Case, ServerClause } from '../../case.js'
import type { ServerStage } from '../../stage/server.js'
import { callsOf, expectUnavailable } from './calls.js'
import { faulty, proxied } from './outage.js'

/** Asserts that every method fails with `UNAVAILABLE`, on an instance that was used before or was not. */
function expectAllUnavailable(isUsed: boolean, begin: (stage: ServerStage) => Promise<ServerStore>, when: string) {
  return async (stage: ServerStage): Promise<void> => {
    const store = await begin(stage)
    const state = isUsed ? 'on an instance in use' : 'on an unused instance'
    await Promise.all(callsOf(store).map((call) => expectUnavailable(store, call, `${when}, ${state}`)))
  }
}

const unreachable = [false, true].flatMap((isUsed): Case<ServerStage>[] => {
  const name = isUsed ? 'an instance in use' : 'an unused instance'
  return [
    {
      title: `fails with UNAVAILABLE when the backend is unreachable for ${name}`,
      needs: ['faults'],
      isAlone: 'without tcp',
      run: expectAllUnavailable(isUsed, faulty(isUsed), 'while the backend is unreachable'),
    },
    {
      title: `fails with UNAVAILABLE within the deadline when the backend does not answer ${name}`,
      needs: ['tcp'],
      run: expectAllUnavailable(
        isUsed,
        proxied(isUsed, () => 'blackhole'),
        'while the backend does not answer',
      ),
    },
  ]
})

export const unreachableBackend: ServerClause = {
  id: '7.1',
  says: 'While the backend is unreachable, every method fails with UNAVAILABLE within the deadline (prune: within the deadline for each step). It never resolves with null or an empty session, and it never hangs. The cause of the error is a copy of the name, message and code of the client error. Inspected to any depth, the error shows no data, token, secret or password.',
  cases: [
    ...unreachable,
    {
      title: 'fails with UNAVAILABLE within the deadline when each reply is late',
      needs: ['tcp'],
      run: expectAllUnavailable(
        true,
        proxied(true, ({ deadline }) => ({ delay: deadline * 2 })),
        'while replies are late',
      ),
    },
    {
      title: 'fails with UNAVAILABLE when the reply is cut off',
      needs: ['tcp'],
      run: async (stage) => {
        const store = await proxied(true, () => 'cut replies')(stage)
        // One call at a time: half of several replies that arrive together could contain a whole reply.
        for (const call of callsOf(store)) await expectUnavailable(store, call, 'while its reply is cut off')
      },
    },
  ],
}
