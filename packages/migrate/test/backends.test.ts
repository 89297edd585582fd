import { inspect } from 'node:util'
import connectPg from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import Database from 'better-sqlite3'
import sqliteStoreOf from 'better-sqlite3-session-store'
import session, { type Store } from 'express-session'
import { connectRedis, expressSession, type RedisClient } from '@sess/migrate'
import type { FormerSessions } from '@sess/core/adapter'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis-5'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { somePostgres, someRedis } from '../../../scripts/servers/given.js'
import { startPostgres } from '../../../scripts/servers/postgres.js'
import { startRedis } from '../../../scripts/servers/redis.js'
import { type Application, expressApplication, userOf, write } from './support/application.ts'
import { HOUR, OTHER, SECRET } from './support/writers.ts'

const VALUES = { user: 'ada', cart: [{ title: 'Middlemarch', price: 1.5 }], note: 'naïve ☕ 𝒜' }

let redis: Awaited<ReturnType<typeof someRedis>>
let postgres: Awaited<ReturnType<typeof somePostgres>>

beforeAll(async () => {
  ;[redis, postgres] = await Promise.all([someRedis(), somePostgres()])
})
afterAll(async () => {
  await Promise.all([redis?.stop(), postgres?.stop()])
})

let count = 0
/** A prefix or a table of one test. */
const newName = () => `migrate${process.pid}n${count++}`

async function nodeRedis(url: string) {
  const client = createClient({ url, socket: { reconnectStrategy: false } })
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => client.destroy())
  return client
}

async function nodeRedis5(url: string): Promise<RedisClient> {
  const client = createClient5({ url })
  await client.connect()
  onTestFinished(() => client.destroy())
  return client
}

async function ioredis(url: string): Promise<RedisClient> {
  const client = new Redis(url, { retryStrategy: null })
  client.on('error', () => undefined)
  onTestFinished(() => client.disconnect())
  return client
}

function postgresStore(url: string): Store {
  const pool = new Pool({ connectionString: url })
  pool.on('error', () => undefined)
  onTestFinished(async () => pool.end())
  const options = { pool, tableName: newName(), createTableIfMissing: true, pruneSessionInterval: false }
  return new (connectPg(session))({ ...options, pruneSessionInterval: false })
}

function sqliteStore(): { store: Store; database: Database.Database } {
  const database = new Database(':memory:')
  onTestFinished(() => void database.close())
  return { store: new (sqliteStoreOf(session))({ client: database }), database }
}

/** An application of express-session over a store. */
function application(store: Store, cookie: session.CookieOptions = { maxAge: HOUR }): Promise<Application> {
  return expressApplication(session({ store, secret: SECRET, resave: false, saveUninitialized: false, cookie }))
}

/** What `former` has of a session that the application wrote, at a time that many milliseconds from now. */
async function dataOf(former: FormerSessions, app: Application, later = 0) {
  const jar = await write(app, VALUES)
  const found = await former.find(jar.valuesOf)
  return { jar, found, data: await found?.read(Date.now() + later) }
}

describe('a session in a store of express-session', () => {
  it.each<[string, () => Store | Promise<Store>]>([
    ['connect-redis', async () => new RedisStore({ client: await nodeRedis(redis.url), prefix: newName() })],
    ['connect-pg-simple', () => postgresStore(postgres.url)],
    ['better-sqlite3-session-store', () => sqliteStore().store],
  ])('of %s is found with its values and its end, and is gone once it has ended', async (_library, open) => {
    const store = await open()
    const app = await application(store)
    const { jar, found, data } = await dataOf(expressSession({ store, secret: SECRET }), app)
    expect(data?.values).toEqual(VALUES)
    expect(Math.abs((data?.expiresAt ?? 0) - Date.now() - HOUR)).toBeLessThan(60_000)
    expect(await userOf(app, jar)).toBe('ada')
    await found?.end()
    expect(await found?.read(Date.now())).toBeUndefined()
    expect(await userOf(app, jar)).toBeUndefined()
  })

  it('of connect-pg-simple is UNAVAILABLE while the server is down', async () => {
    const server = await startPostgres()
    onTestFinished(async () => server.stop())
    const store = postgresStore(server.url)
    const { found } = await dataOf(expressSession({ store, secret: SECRET }), await application(store))
    await server.stop()
    await expect(found?.read(Date.now())).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(found?.end()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('of better-sqlite3-session-store is CORRUPT if its row is not JSON, and its data is not shown', async () => {
    const { store, database } = sqliteStore()
    const { found } = await dataOf(expressSession({ store, secret: SECRET }), await application(store))
    database.prepare('UPDATE sessions SET sess = ?').run('ada, lovelace')
    const error: unknown = await found?.read(Date.now()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'CORRUPT' })
    expect(inspect(error)).not.toMatch(/ada|lovelace/)
  })

  it('that connect-redis extends by touch outlives the time in its data', async () => {
    const store = new RedisStore({ client: await nodeRedis(redis.url), prefix: newName() })
    const { data } = await dataOf(expressSession({ store, secret: SECRET }), await application(store), 2 * HOUR)
    expect(data).toEqual({ values: VALUES, expiresAt: undefined })
  })
})

describe('a session of connect-redis', () => {
  const CLIENTS = [
    ['redis 6', nodeRedis],
    ['redis 5', nodeRedis5],
    ['ioredis', ioredis],
  ] as const

  it.each(CLIENTS)('is found by a client of %s, and is gone once it has ended', async (_library, connect) => {
    const prefix = newName()
    const client = await connect(redis.url)
    const app = await application(new RedisStore({ client: await nodeRedis(redis.url), prefix }))
    const { jar, found, data } = await dataOf(connectRedis({ client, prefix, secret: [OTHER, SECRET] }), app)
    expect(data?.values).toEqual(VALUES)
    expect(Math.abs((data?.expiresAt ?? 0) - Date.now() - HOUR)).toBeLessThan(60_000)
    expect(await userOf(app, jar)).toBe('ada')
    await found?.end()
    expect(await found?.read(Date.now())).toBeUndefined()
    expect(await userOf(app, jar)).toBeUndefined()
  })

  it('is found under the prefix that connect-redis has by default', async () => {
    const client = await nodeRedis(redis.url)
    const app = await application(new RedisStore({ client }))
    const { data, found } = await dataOf(connectRedis({ client, secret: SECRET }), app)
    await found?.end()
    expect(data?.values).toEqual(VALUES)
  })

  it.each(CLIENTS)('ends with its key if its cookie has no end, as %s says', async (_library, connect) => {
    const prefix = newName()
    const client = await connect(redis.url)
    const store = new RedisStore({ client: await nodeRedis(redis.url), prefix, ttl: 600 })
    const { data } = await dataOf(connectRedis({ client, prefix, secret: SECRET }), await application(store, {}))
    expect(Math.abs((data?.expiresAt ?? 0) - Date.now() - 600_000)).toBeLessThan(60_000)
  })

  it('ends at the time in its data if its key stays', async () => {
    const prefix = newName()
    const client = await nodeRedis(redis.url)
    const app = await application(new RedisStore({ client, prefix, disableTTL: true }))
    const { data } = await dataOf(connectRedis({ client, prefix, secret: SECRET }), app, 2 * HOUR)
    expect(data).toBeUndefined()
  })

  it('is UNAVAILABLE if something else is under its key', async () => {
    const prefix = newName()
    const client = await nodeRedis(redis.url)
    const app = await application(new RedisStore({ client, prefix }))
    const { found } = await dataOf(connectRedis({ client, prefix, secret: SECRET }), app)
    await client.del(`${prefix}${found?.id}`)
    await client.hSet(`${prefix}${found?.id}`, 'user', 'ada')
    await expect(found?.read(Date.now())).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it.each([
    ['redis 6', nodeRedis],
    ['ioredis', ioredis],
  ] as const)('is UNAVAILABLE while the server is down, as %s says', async (_library, connect) => {
    const server = await startRedis()
    onTestFinished(() => server.stop())
    const client = await connect(server.url)
    const app = await application(new RedisStore({ client: await nodeRedis(server.url) }))
    const { found } = await dataOf(connectRedis({ client, secret: SECRET }), app)
    await server.stop()
    await expect(found?.read(Date.now())).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(found?.end()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
