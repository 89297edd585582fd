import type { ServerClause } from '../../case.js'
import { entry } from '../../stage/server.js'
import { callsOf, expectRecovery, expectUnavailable } from './calls.js'

export const recovery: ServerClause = {
  id: '7.2',
  says: 'When the backend is back, the same store instance works again, with no restart.',
  cases: [
    {
      title: 'works again when the backend is back',
      needs: ['faults'],
      isAlone: 'without tcp',
      run: async (stage) => {
        const { store, faults } = await stage.openFaulty()
        await stage.create(store, 'key', entry('data'))
        await faults.begin()
        await Promise.all(callsOf(store).map((call) => expectUnavailable(store, call, 'while the backend is away')))
        await faults.end()
        await expectRecovery(store, 'create after the backend has come back')
        await stage.read(store, 'key', 'after the backend has come back')
      },
    },
    {
      title: 'works when the backend starts after it',
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
      title: 'works again when the backend speaks again',
      needs: ['tcp'],
      run: async (stage) => {
        const proxy = await stage.proxy()
        const store = stage.open(stage.scope, proxy.address)
        await stage.create(store, 'key', entry('data'))
        await proxy.set('blackhole')
        await Promise.all(
          callsOf(store).map((call) => expectUnavailable(store, call, 'while the backend says nothing')),
        )
        await proxy.set('none')
        await expectRecovery(store, 'create after the backend has found its speech')
        await stage.read(store, 'key', 'after the backend has found its speech')
      },
    },
  ],
}
