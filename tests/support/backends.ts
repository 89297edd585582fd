import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import openMemcache from '@sess/adapter-memcache'
import openRedis from '@sess/adapter-redis'
import openSqlite from '@sess/adapter-sqlite'
import { type FaultProxy, startFaultProxy } from '@sess/conformance'
import { createAdapterContext, type ServerStore, type Store } from '@sess/core/adapter'
import postgres from 'sess-adapter-postgres'
import { startMemcached } from '../../scripts/servers/memcached.js'
import { startPostgres } from '../../scripts/servers/postgres.js'
import { startRedis } from '../../scripts/servers/redis.js'
import type { Server } from '../../scripts/servers/server.js'

export const SECRET = 'a secret for tests, of 32 bytes or more'

const context = createAdapterContext({ secret: SECRET })

/** A backend that is a server. `deadline` in milliseconds. */
export interface ServerBackend {
  readonly adapter: 'redis' | 'memcache'
  readonly start: (options?: { readonly args?: readonly string[] }) => Promise<Server>
  readonly optionsAt: (port: number, deadline: number) => object
  readonly openAt: (port: number, deadline: number) => Store
}

const redisAt = (port: number, deadline: number) => ({ url: `redis://127.0.0.1:${port}`, deadline })
const memcacheAt = (port: number, deadline: number) => ({ servers: `127.0.0.1:${port}`, deadline })

export const redis: ServerBackend = {
  adapter: 'redis',
  start: startRedis,
  optionsAt: redisAt,
  openAt: (port, deadline) => openRedis(redisAt(port, deadline), context),
}

export const memcache: ServerBackend = {
  adapter: 'memcache',
  start: startMemcached,
  optionsAt: memcacheAt,
  openAt: (port, deadline) => openMemcache(memcacheAt(port, deadline), context),
}

/** Where processes share sessions. */
export interface Place {
  readonly adapter: 'redis' | 'memcache' | 'sqlite' | 'postgres'
  /** The options with which an application opens a store there. */
  readonly options: object
  /** In front of the server. Undefined for a file. */
  readonly proxy: FaultProxy | undefined
  readonly openStore: () => ServerStore
  readonly stop: () => Promise<void>
}

async function serverPlace(backend: ServerBackend, deadline: number): Promise<Place> {
  const server = await backend.start()
  const proxy = await startFaultProxy(server.port)
  return {
    adapter: backend.adapter,
    options: backend.optionsAt(proxy.port, deadline),
    proxy,
    openStore: () => asServerStore(backend.openAt(proxy.port, deadline)),
    async stop() {
      await proxy.close()
      await server.stop()
    },
  }
}

export interface FilePlace extends Place {
  readonly file: string
}

export function sqlitePlace(deadline: number): FilePlace {
  const folder = mkdtempSync(join(tmpdir(), 'sess-tests-'))
  const file = join(folder, 'sessions.sqlite')
  const options = { file, deadline }
  return {
    adapter: 'sqlite',
    options,
    file,
    proxy: undefined,
    openStore: () => asServerStore(openSqlite(options, context)),
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

export async function postgresPlace(deadline: number): Promise<Place> {
  const server = await startPostgres()
  const options = { url: server.url, deadline, connections: 8 }
  return {
    adapter: 'postgres',
    options,
    proxy: undefined,
    openStore: () => asServerStore(postgres(options, context)),
    stop: server.stop,
  }
}

type Open = (deadline: number) => Promise<Place>

/** Opens a new place, by the name of the adapter. `deadline` in milliseconds. */
export const places: readonly (readonly [adapter: string, open: Open])[] = [
  ['redis', (deadline) => serverPlace(redis, deadline)],
  ['memcache', (deadline) => serverPlace(memcache, deadline)],
  ['sqlite', async (deadline) => sqlitePlace(deadline)],
]

export function asServerStore(store: Store): ServerStore {
  if (store.kind === 'server') return store
  throw new Error(`The ${store.name} store is not a server store.`)
}
