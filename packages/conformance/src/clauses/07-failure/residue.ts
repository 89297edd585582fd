import type { ServerClause } from '../../case.js'
import { expectNothingLeft } from '../../stage/process-watch.js'
import { numbers } from '../../stage/text.js'
import { withinDeadline } from '../../stage/within-deadline.js'
import { callsOf, expectRecovery } from './calls.js'

export const residue: ServerClause = {
  id: '7.7',
  says: 'Whatever fails, no rejection goes unhandled, no listener or timer leaks, and no child process is started.',
  cases: [
    {
      title: 'leaves nothing behind after 200 calls',
      isAlone: true,
      run: (stage) =>
        expectNothingLeft(
          '200 reads',
          async () => {
            const store = stage.open()
            for (const round of numbers(10)) await Promise.all(numbers(20).map((n) => store.read(`key${round}of${n}`)))
            await withinDeadline(store, 'close', () => store.close())
          },
          stage.backend.releasesWithin,
        ),
    },
    {
      title: 'leaves nothing behind after 200 calls that failed',
      needs: ['faults'],
      isAlone: true,
      run: (stage) =>
        expectNothingLeft(
          '200 calls while the backend was unreachable',
          async (watch) => {
            const { store, faults } = await stage.openFaulty()
            await store.read('key')
            for (const round of numbers(2)) {
              await faults.begin()
              const calls = numbers(25).flatMap((n) => callsOf(store, `key${round}of${n}`).map(([, call]) => call()))
              await withinDeadline(store, 'calls while the backend is unreachable', () => Promise.allSettled(calls))
              watch.lookForChildren()
              await faults.end()
              await expectRecovery(store, 'create after the backend is reachable again')
            }
            await withinDeadline(store, 'close', () => store.close())
            await stage.close()
          },
          stage.backend.releasesWithin,
        ),
    },
  ],
}
