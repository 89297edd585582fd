import { inspect } from 'node:util'
import redis, { type RedisOptions } from '@sess/adapter-redis'
import {
  createAdapterContext,
  type Entry,
  isSessError,
  type ServerStore,
  type SessError,
  type Store,
  type Version,
} from '@sess/core/adapter'
import { Redis } from 'ioredis'
import { expect, onTestFinished } from 'vitest'

const context = createAdapterContext({ secret: 'a secret for tests, of 32 bytes or more' })

export const FAR: number = Date.UTC(2100, 0)
export const entry: Entry = { data: '{"user":"alice"}', expiresAt: FAR }
/** For a failover, on a machine that is busy. Tests that wait for one take up to `FAILOVER_MS`. */
export const PATIENCE = { timeout: 20_000, interval: 10 } as const
export const FAILOVER_MS = 60_000

/** The rights that the page tells to give a user. */
export const RIGHTS = ['~sess:*', '+get', '+mget', '+set', '+del', '+getrange', '+eval', '+evalsha', '+ping'] as const
/** Milliseconds that a call may take on top of its deadline while the machine is busy. */
export const SLACK = 1500

let prefixes = 0

export function newPrefix(): string {
  return `test${++prefixes}:`
}

/** Opens a store on a prefix of its own, unless one is given, and closes it when the test ends. */
export function openStore(options: RedisOptions): ServerStore {
  return serverStoreOf(redis({ prefix: newPrefix(), ...options }, context))
}

/** Opens a store with options that the types would not let through. */
export function openUntyped(options: unknown): ServerStore {
  return serverStoreOf(Reflect.apply(redis, undefined, [options, context]))
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

/** The error that a call fails with. */
export async function failureOf(call: () => unknown): Promise<SessError> {
  try {
    await call()
  } catch (error) {
    if (isSessError(error)) return error
    throw error
  }
  throw new Error('expected the call to fail')
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

/** Waits until the store works again, of itself. */
export async function works(store: ServerStore): Promise<void> {
  await expect.poll(() => codeOf(() => store.read('any')), PATIENCE).toBe('none')
}

/** Calls every method, and expects of each that it fails as it must while its backend is out of reach. */
export async function expectUnavailable(store: ServerStore): Promise<void> {
  const began = performance.now()
  const calls = [
    () => store.create('new', entry),
    () => store.read('key'),
    () => store.update('key', entry, '0123456789abcdef'),
    () => store.destroy('gone'),
  ]
  expect(await Promise.all(calls.map((call) => codeOf(call)))).toEqual(calls.map(() => 'UNAVAILABLE'))
  expect(performance.now() - began).toBeLessThan(store.deadline + SLACK)
}

/** Begins a lot of writes, of which each must fail; resolves when they have. */
export async function writeInVain(store: ServerStore): Promise<void> {
  const writes = Array.from({ length: 200 }, (_, n) => codeOf(() => store.create(`vain${n}`, entry)))
  expect(new Set(await Promise.all(writes))).toEqual(new Set(['UNAVAILABLE']))
}

/** Keeps the event loop busy: what happens meanwhile is noticed only afterwards. */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** Every key of the server at that URL. */
export async function keysAt(url: string): Promise<string[]> {
  const direct = new Redis(url)
  const keys = await direct.keys('*')
  direct.disconnect()
  return keys
}

/** How many PINGs that server has received: what was too late to be sent is sent as one. */
export async function pingsAt(url: string): Promise<number> {
  const direct = new Redis(url)
  const stats = await direct.info('commandstats')
  direct.disconnect()
  return Number(/cmdstat_ping:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}

/** Everything that can be seen of a value. */
export function shown(value: unknown): string {
  return inspect(value, { depth: Infinity, showHidden: true, maxStringLength: null, maxArrayLength: null })
}
