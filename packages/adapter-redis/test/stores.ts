import redis, { type RedisOptions } from '@sess/adapter-redis'
import type { ServerStore } from '@sess/core/adapter'
import { Redis } from 'ioredis'
import { expect } from 'vitest'
import { ALICE, callsOf, codeOf, openServerStore, SLACK, succeed } from '../../../tests/support/stores.ts'

/** For a failover on a busy machine. A test that waits for one gets `FAILOVER_MS`. */
export const PATIENCE = { timeout: 20_000, interval: 10 } as const
export const FAILOVER_MS = 60_000

/** The rights that the README tells operators to grant. */
export const RIGHTS = ['~sess:*', '+get', '+mget', '+set', '+del', '+getrange', '+eval', '+evalsha', '+ping'] as const

let prefixes = 0

export function newPrefix(): string {
  return `test${++prefixes}:`
}

/** Milliseconds: the deadline of stores whose tests are about something else, on a machine of any speed. */
const LONG = 5000

/** Opens a store under a new prefix, unless one is given, and closes it when the test ends. */
export function openStore(options: RedisOptions): ServerStore {
  return openServerStore(redis, { prefix: newPrefix(), deadline: LONG, ...options })
}

/** Expects that every method succeeds on one key. */
export async function expectAllAllowed(store: ServerStore, key: string = 'key'): Promise<void> {
  const version = await succeed(store.create(key, ALICE))
  const next = await succeed(store.update(key, ALICE, version))
  expect(await store.read(key)).toEqual({ ...ALICE, version: next })
  await store.destroy(key)
}

/** Expects that every method fails with `UNAVAILABLE` within the deadline. */
export async function expectUnavailable(store: ServerStore): Promise<void> {
  const began = performance.now()
  const calls = Object.values(callsOf(store))
  expect(await Promise.all(calls.map((call) => codeOf(call)))).toEqual(calls.map(() => 'UNAVAILABLE'))
  expect(performance.now() - began).toBeLessThan(store.deadline + SLACK)
}

/** Begins 200 writes that must all fail, and resolves when they have failed. */
export async function writeInVain(store: ServerStore): Promise<void> {
  const writes = Array.from({ length: 200 }, (_, n) => codeOf(() => store.create(`vain${n}`, ALICE)))
  expect(new Set(await Promise.all(writes))).toEqual(new Set(['UNAVAILABLE']))
}

/** Blocks the event loop, so that everything that happens during this time is noticed late. */
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

/** How many PINGs that server has received. A command that is too late to be sent is sent as a PING. */
export async function pingsAt(url: string): Promise<number> {
  const direct = new Redis(url)
  const stats = await direct.info('commandstats')
  direct.disconnect()
  return Number(/cmdstat_ping:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}
