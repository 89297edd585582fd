import type { ServerStore } from '@sess/core/adapter'
import type { Fault } from '../../faults/proxy.js'
import { entry, type ServerStage } from '../../stage/server.js'

/** Opens an instance and cuts it off from the backend, after a first call if `isUsed`. */
export function faulty(isUsed: boolean): (stage: ServerStage) => Promise<ServerStore> {
  return async (stage) => {
    const { store, faults } = await stage.openFaulty()
    if (isUsed) await stage.create(store, 'key', entry('data'))
    await faults.begin()
    return store
  }
}

/** The same, with a fault of the proxy. */
export function proxied(
  isUsed: boolean,
  fault: (store: ServerStore) => Fault,
): (stage: ServerStage) => Promise<ServerStore> {
  return async (stage) => {
    const proxy = await stage.proxy()
    const store = stage.open(stage.scope, proxy.address)
    if (isUsed) await stage.create(store, 'key', entry('data'))
    await proxy.set(fault(store))
    return store
  }
}
