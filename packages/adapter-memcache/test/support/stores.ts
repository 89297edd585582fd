import memcache, { type MemcacheOptions } from '@sess/adapter-memcache'
import { isSessError, type ServerStore } from '@sess/core/adapter'
import { entry, openServerStore } from '../../../../tests/support/stores.ts'

export const METHODS = ['create', 'read', 'update', 'destroy'] as const
export type Method = (typeof METHODS)[number]

let prefixes = 0

/** A prefix that no other test uses, for a shared server. */
export function newPrefix(): string {
  return `test${process.pid}-${++prefixes}:`
}

/** A deadline that no call reaches, even on a slow machine. A call that hangs ends with the test's time limit. */
const LONG = 60_000

/**
 * Opens a store, and closes it when the test ends. By default it has a prefix that no other test uses, and a deadline
 * that is long enough to have no effect.
 */
export function openStore(options: MemcacheOptions): ServerStore {
  return openServerStore(memcache, { prefix: newPrefix(), deadline: LONG, ...options })
}

export function call(store: ServerStore, method: Method, key: string = 'key'): Promise<unknown> {
  const calls = {
    create: () => store.create(key, entry('data')),
    read: () => store.read(key),
    update: () => store.update(key, entry('data'), 'no such version!'),
    destroy: () => store.destroy(key),
  }
  return calls[method]()
}

/** Repeats a call until it resolves. It may fail only with `UNAVAILABLE`. */
export async function untilAvailable<T>(method: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + 10_000; ;) {
    try {
      return await method()
    } catch (error) {
      if (!isSessError(error) || error.code !== 'UNAVAILABLE' || performance.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}
