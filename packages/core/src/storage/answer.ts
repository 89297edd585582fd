import type { ServerStore, Store } from '../contract.js'
import { isSessError, safeCause, SessError } from '../error.js'

/** Settles as a call of the store does. */
export async function answerOf<T>(store: ServerStore, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw storeError(store, error)
  }
}

/** A store must reject with a `SessError`. Any other error may show what the store was sent, so it is replaced. */
export function storeError(store: Pick<Store, 'name'>, error: unknown): SessError {
  if (isSessError(error)) return error
  return new SessError('UNAVAILABLE', `The ${store.name} store failed.`, { cause: safeCause(error) })
}
