import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { someMemcached, someRedis } from '../../../scripts/servers/given.js'

export const STORES = ['cookie', 'memory', 'redis', 'memcache', 'sqlite'] as const
export type StoreName = (typeof STORES)[number]

/** The stores that can list sessions. */
export const LISTING_STORES = STORES.filter((store) => store !== 'cookie')

type Options = Readonly<Record<string, unknown>>

/** Starts each store's backend, and resolves with the options that connect to it. */
const backends: Readonly<Record<StoreName, () => Promise<Options>>> = {
  cookie: async () => ({}),
  memory: async () => ({}),
  redis: async () => {
    const { url, stop } = await someRedis()
    afterwards(stop)
    return { url }
  },
  memcache: async () => {
    const { servers, stop } = await someMemcached()
    afterwards(stop)
    return { servers }
  },
  sqlite: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sess-'))
    afterwards(async () => rmSync(folder, { recursive: true }))
    return { file: join(folder, 'sessions.sqlite') }
  },
}

const started = new Map<StoreName, Promise<Options>>()
const stops: (() => Promise<void>)[] = []

afterAll(async () => void (await Promise.all(stops.map((stop) => stop()))))

function afterwards(stop: () => Promise<void>): void {
  stops.push(stop)
}

/** The environment with which the application uses this store. Its backend starts on first use. */
export async function environmentFor(store: StoreName): Promise<Record<string, string>> {
  const options = started.get(store) ?? backends[store]()
  started.set(store, options)
  return { SESSION_STORE: store, SESSION_OPTIONS: JSON.stringify(await options) }
}

/** The same with a secret of its own, and so with users of whom no other test has sessions. */
export async function ownEnvironmentFor(store: StoreName): Promise<Record<string, string>> {
  return { ...(await environmentFor(store)), SESSION_SECRET: randomUUID() }
}
