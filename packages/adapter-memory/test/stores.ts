import memory, { type MemoryOptions } from '@sess/adapter-memory'
import { createAdapterContext, isSessError, type ServerStore, type Store, type Version } from '@sess/core/adapter'
import { onTestFinished } from 'vitest'

const context = createAdapterContext({ secret: 'a secret for tests, of 32 bytes or more' })

export const FAR: number = Date.UTC(2100, 0)
export const PAST: number = Date.UTC(2001, 0)

let scopes = 0

export function newScope(): string {
  return `test ${++scopes}`
}

/** Opens a store on a scope of its own, unless one is given, and closes it when the test ends. */
export function openStore(options: MemoryOptions = {}): ServerStore {
  return serverStoreOf(memory({ scope: newScope(), ...options }, context))
}

/** Opens a store with options that the types would not let through. */
export function openUntyped(options: unknown): ServerStore {
  return serverStoreOf(Reflect.apply(memory, undefined, [options, context]))
}

function serverStoreOf(store: Store): ServerStore {
  if (store.kind !== 'server') throw new Error('expected a server store')
  onTestFinished(() => store.close())
  return store
}

/** The version that a write resolved with, for a write that must succeed. */
export async function succeed(write: Promise<Version | null>): Promise<Version> {
  const version = await write
  if (version === null) throw new Error('the write was refused')
  return version
}

/** The code of the error that a call fails with, or `'none'`. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call()
    return 'none'
  } catch (error) {
    if (isSessError(error)) return error.code
    throw error
  }
}
