import Memcached from 'memcached'
import { onTestFinished } from 'vitest'

/**
 * A test stops and starts its server, and the client must connect again at once (`retries`, `retry`). After `failures`
 * failed attempts the package gives the server up for good, so this number is one that no test reaches.
 */
export const RECONNECTING = { retries: 0, retry: 1, failures: 1e9 }

/**
 * Makes a client of the npm package `memcached`. It accepts options that the package's types do not know. `calls` lists
 * the calls of the methods through which the client connects, sends and closes.
 */
export function newClient(servers?: unknown, options: object = {}): { client: Memcached; calls: readonly string[] } {
  const client: Memcached = Reflect.construct(Memcached, [servers, { ...RECONNECTING, timeout: 1000, ...options }])
  const calls: string[] = []
  for (const name of ['connect', 'command', 'multi', 'end'] as const) {
    const method: unknown = Reflect.get(client, name)
    if (typeof method !== 'function') throw new Error(`memcached has no method ${name}`)
    Reflect.set(client, name, (...args: readonly unknown[]) => {
      calls.push(name)
      return Reflect.apply(method, client, args)
    })
  }
  onTestFinished(() => client.end())
  return { client, calls }
}

/** The server that the client itself sends each key to. */
export function serversOf(client: Memcached, keys: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const collect = (server: string, its: readonly string[]) => {
    for (const key of its) found.set(key, server)
  }
  Reflect.apply(Reflect.get(client, 'multi'), client, [keys, collect])
  return found
}

/** Turns a call with a callback into a promise. */
function calledBack(call: (done: (error: unknown, result: unknown) => void) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call((error, result) =>
      error === undefined ? resolve(result) : reject(new Error('memcached failed', { cause: error })),
    )
  })
}

export function getFrom(client: Memcached, key: string): Promise<unknown> {
  return calledBack((done) => client.get(key, done))
}

export async function setBy(client: Memcached, key: string, value: string): Promise<void> {
  await calledBack((done) => client.set(key, value, 60, done))
}
