import type { ServerClause } from '../../case.js'
import { entry } from '../../stage/server.js'
import { callsOf, expectRecovery, expectUnavailable } from './calls.js'

export const recovery: ServerClause = {
  id: '7.2',
  says: 'When the backend is reachable again, the same store instance works again without a restart.',
  cases: [
    {
      title: 'works again when the backend is reachable again',
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
      title: 'works when the backend starts later than the store',
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
