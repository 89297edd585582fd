import { setImmediate as turn } from 'node:timers/promises'
import { Breach, tally } from '../../breach.js'
import type { ServerClause } from '../../case.js'
import { caseContext } from '../../stage/case-context.js'
import { expectNothingLeft } from '../../stage/process-watch.js'
import type { ServerStage } from '../../stage/server.js'
import { numbers } from '../../stage/text.js'
import { withinDeadline } from '../../stage/within-deadline.js'
import { callsOf, expectRecovery } from './calls.js'

const MOST_SHOWN = 5

/** The breach of errors that nobody handled. */
export function strayBreach(strays: readonly string[]): Breach {
  const found = tally(strays)
  const more = found.length > MOST_SHOWN ? [`and ${found.length - MOST_SHOWN} more`] : []
  const came = [...found.slice(0, MOST_SHOWN), ...more].join('; ')
  return new Breach('all cases of the run', 'no error that nobody handles', came)
}

/** Opens, uses and closes an instance: what a client adds to the process once, at its first use, is not a leak. */
async function useOnce(stage: ServerStage): Promise<void> {
  const store = stage.open()
  await store.read('key')
  await withinDeadline(store, 'close', () => store.close())
}

export const residue: ServerClause = {
  id: '7.7',
  says: 'Whatever fails, no rejection goes unhandled, no error is uncaught, no listener or timer leaks, and no child process is started.',
  cases: [
    {
      title: 'leaves nothing behind after 200 calls',
      turn: 'first',
      run: async (stage) => {
        await useOnce(stage)
        await expectNothingLeft(
          '200 reads',
          async () => {
            const store = stage.open()
            for (const round of numbers(10)) await Promise.all(numbers(20).map((n) => store.read(`key${round}of${n}`)))
            await withinDeadline(store, 'close', () => store.close())
          },
          stage.backend.releasesWithin,
        )
      },
    },
    {
      title: 'leaves nothing behind after 200 calls that failed',
      needs: ['faults'],
      turn: 'first',
      run: async (stage) => {
        await useOnce(stage)
        await expectNothingLeft(
          '200 calls while the backend was unreachable',
          async () => {
            const { store, faults } = await stage.openFaulty()
            await store.read('key')
            for (const round of numbers(2)) {
              await faults.begin()
              const calls = numbers(25).flatMap((n) => callsOf(store, `key${round}of${n}`).map(([, call]) => call()))
              await withinDeadline(store, 'calls while the backend is unreachable', () => Promise.allSettled(calls))
              await faults.end()
              await expectRecovery(store, 'create after the backend is reachable again')
            }
            await withinDeadline(store, 'close', () => store.close())
            await stage.close()
          },
          stage.backend.releasesWithin,
        )
      },
    },
    {
      title: 'leaves no error unhandled in any case of the run',
      turn: 'last',
      run: async () => {
        // Node reports an unhandled rejection after a turn of the event loop.
        for (const _ of numbers(2)) await turn()
        const strays = caseContext()?.attempt.strays.all ?? []
        if (strays.length > 0) throw strayBreach(strays)
      },
    },
  ],
}
