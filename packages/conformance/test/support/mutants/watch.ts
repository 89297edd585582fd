import { isSessError, type SessError, type ServerStore } from '@sess/core/adapter'
import type { Change } from '../mutant.ts'

export function isUnavailable(error: unknown): error is SessError {
  return isSessError(error) && error.code === 'UNAVAILABLE'
}

/** The methods of a store that take a key, with each call passed through `watched`. */
export function watching(
  store: ServerStore,
  watched: <T>(call: Promise<T>) => Promise<T>,
): Pick<ServerStore, 'create' | 'read' | 'update' | 'destroy'> {
  return {
    create: (key, entry) => watched(store.create(key, entry)),
    read: (key) => watched(store.read(key)),
    update: (key, entry, version) => watched(store.update(key, entry, version)),
    destroy: (key) => watched(store.destroy(key)),
  }
}

/** What an instance does at each call that fails because the backend is unreachable, and at `close`. */
export interface Reaction {
  readonly act: () => void
  readonly close?: () => void
}

export function onFailure(reactionOf: () => Reaction): Change {
  return (store) => {
    const { act, close } = reactionOf()
    return {
      ...watching(store, async (call) => {
        try {
          return await call
        } catch (error) {
          if (isUnavailable(error)) act()
          throw error
        }
      }),
      async close() {
        close?.()
        await store.close()
      },
    }
  }
}

export function never<T>(): Promise<T> {
  return new Promise(() => {})
}
