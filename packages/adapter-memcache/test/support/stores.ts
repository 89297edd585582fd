import memcache, { type MemcacheOptions } from '@sess/adapter-memcache'
import {
  createAdapterContext,
  type Entry,
  isSessError,
  type ServerStore,
  type Store,
  type Version,
} from '@sess/core/adapter'
import { onTestFinished } from 'vitest'

const context = createAdapterContext({ secret: 'a secret for tests, of 32 bytes or more' })

export const FAR: number = Date.UTC(2030, 0)

export const METHODS = ['create', 'read', 'update', 'destroy'] as const
export type Method = (typeof METHODS)[number]

let prefixes = 0

/** A prefix of a test's own, on a server that it shares. */
export function newPrefix(): string {
  return `test${process.pid}-${++prefixes}:`
}

/** A deadline that no call meets: a machine may be slow, and what hangs is ended by the test's own time. */
const LONG = 60_000

/**
 * Opens a store under a prefix of its own, unless one is given, and closes it when the test ends. Where the deadline is
 * not what a test is about, there is none to speak of.
 */
export function openStore(options: MemcacheOptions): ServerStore {
  return serverStoreOf(memcache({ prefix: newPrefix(), deadline: LONG, ...options }, context))
}

/** Opens a store with options that the types would not let through. */
export function openUntyped(options: unknown): ServerStore {
  return serverStoreOf(Reflect.apply(memcache, undefined, [options, context]))
}

function serverStoreOf(store: Store): ServerStore {
  if (store.kind !== 'server') throw new Error('expected a server store')
  onTestFinished(() => store.close())
  return store
}

export function entry(data: string, expiresAt: number = FAR): Entry {
  return { data, expiresAt }
}

/** The version that a write resolved with, for a write that must succeed. */
export async function succeed(write: Promise<Version | null>): Promise<Version> {
  const version = await write
  if (version === null) throw new Error('the write was refused')
  return version
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

/** The error that a call fails with; of another kind than ours, or none, is a failure of the test. */
export async function errorOf(failing: Promise<unknown>): Promise<Error & { code: string }> {
  const error = await failing.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  )
  if (isSessError(error)) return error
  throw error
}

export async function codeOf(failing: Promise<unknown>): Promise<string> {
  return (await errorOf(failing)).code
}

/** Calls until a call resolves; every error before it must be `UNAVAILABLE`. */
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

export function numbers(count: number): readonly number[] {
  return [...Array(count).keys()]
}
