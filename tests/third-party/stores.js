// Thin adapters around stores that others published. The toolkit of @sess adds what it can: the deadline, the mapping
// of errors, close. The store itself does the rest: get, set and delete.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newVersion, optional, readOptions, serverStore, text } from '@sess/core/adapter'
import KeyvRedis from '@keyv/redis'
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { Keyv } from 'keyv'
import createMemoryStore from 'memorystore'
import { createClient } from 'redis'
import createFileStore from 'session-file-store'
import { createStorage } from 'unstorage'
import redisDriver from 'unstorage/drivers/redis'

/**
 * @typedef {import('@sess/core/adapter').Stored} Stored
 * @typedef {{ scope: string, address?: string }} Options
 * @typedef {object} Library
 * @property {(key: string) => Promise<Stored | null | undefined>} get
 * @property {(key: string, stored: Stored) => Promise<unknown>} set
 * @property {(key: string) => Promise<unknown>} remove
 * @property {() => Promise<unknown>} close
 */

/**
 * An adapter that has only get and set: an update reads first and then writes, which is not atomic.
 *
 * @param {string} name
 * @param {(options: { scope: string, address: string }) => Library} open
 * @param {readonly import('@sess/core/adapter').Lack[]} [lacks]
 */
const thin =
  (name, open, lacks = ['durability']) =>
  (/** @type {Options} */ options) => {
    const { scope, address } = readOptions(name, options, { scope: text(), address: optional(text(), '') })
    const library = open({ scope, address })
    /** @param {string} key @param {import('@sess/core/adapter').Entry} entry */
    const put = async (key, { data, expiresAt }) => {
      const version = newVersion()
      await library.set(key, { data, expiresAt, version })
      return version
    }
    return serverStore({
      name,
      maxBytes: 2 ** 18,
      deadline: 2000,
      lacks,
      create: async (key, entry) => ((await library.get(key)) ? null : put(key, entry)),
      read: async (key) => (await library.get(key)) ?? null,
      update: async (key, entry, version) => ((await library.get(key))?.version === version ? put(key, entry) : null),
      destroy: async (key) => void (await library.remove(key)),
      close: async () => void (await library.close()),
    })
  }

/** Milliseconds from now, at least 1: some stores take 0 or less as "never expires". @param {number} expiresAt */
const ttl = (expiresAt) => Math.max(1, expiresAt - Date.now())

/** A store of express-session. @param {session.Store} store @param {() => Promise<unknown>} close @returns {Library} */
const ofExpress = (store, close) => ({
  get: (key) =>
    new Promise((resolve, reject) => {
      store.get(key, (error, found) => (error && !isMissing(error) ? reject(asError(error)) : resolve(storedIn(found))))
    }),
  set: (key, stored) =>
    new Promise((resolve, reject) => {
      const expires = new Date(stored.expiresAt)
      const data = { cookie: { originalMaxAge: ttl(stored.expiresAt), maxAge: ttl(stored.expiresAt), expires }, stored }
      store.set(key, data, (error) => (error ? reject(asError(error)) : resolve(undefined)))
    }),
  remove: (key) =>
    new Promise((resolve, reject) => {
      store.destroy(key, (error) => (error ? reject(asError(error)) : resolve(undefined)))
    }),
  close,
})

/** Takes ENOENT as a missing session, as express-session does. @param {unknown} error */
const isMissing = (error) => asError(error).message.includes('ENOENT')

/** @param {unknown} error */
const asError = (error) => (error instanceof Error ? error : new Error(String(error)))

/** @param {unknown} found @returns {Stored | null} */
const storedIn = (found) =>
  typeof found === 'object' && found !== null && 'stored' in found ? /** @type {Stored} */ (found.stored) : null

const keyv = thin('keyv', ({ scope, address }) => {
  const store = new Keyv({ store: new KeyvRedis(`redis://${address}`), namespace: scope, throwOnErrors: true })
  store.on('error', () => undefined)
  return {
    get: (key) => store.get(key),
    set: (key, stored) => store.set(key, stored, ttl(stored.expiresAt)),
    remove: (key) => store.delete(key),
    close: () => store.disconnect(),
  }
})

const unstorage = thin('unstorage', ({ scope, address }) => {
  const storage = createStorage({ driver: redisDriver({ base: scope, url: `redis://${address}` }) })
  return {
    get: async (key) => /** @type {Stored | null} */ (await storage.getItem(key)),
    set: (key, stored) => storage.setItem(key, { ...stored }, { ttl: Math.ceil(ttl(stored.expiresAt) / 1000) }),
    remove: (key) => storage.removeItem(key),
    close: () => storage.dispose(),
  }
})

const connectRedis = thin('connect-redis', ({ scope, address }) => {
  const client = createClient({ url: `redis://${address}` })
  client.on('error', () => undefined)
  /** @type {Promise<unknown> | undefined} */
  let connecting
  const express = ofExpress(new RedisStore({ client, prefix: `${scope}:` }), async () => client.destroy())
  const connected = async () => (connecting ??= client.connect())
  return {
    ...express,
    get: async (key) => {
      await connected()
      return express.get(key)
    },
    remove: async (key) => {
      await connected()
      return express.remove(key)
    },
  }
})

/** @type {Map<string, InstanceType<ReturnType<typeof createMemoryStore>>>} */
const memories = new Map()

const memorystore = thin('memorystore', ({ scope }) => {
  const MemoryStore = createMemoryStore(session)
  const store = memories.get(scope) ?? new MemoryStore({})
  memories.set(scope, store)
  return ofExpress(store, async () => undefined)
})

const folder = mkdtempSync(join(tmpdir(), 'sess-third-party-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const sessionFileStore = thin(
  'session-file-store',
  ({ scope }) => {
    const FileStore = createFileStore(session)
    const store = new FileStore({ path: join(folder, scope), retries: 0, logFn: () => undefined, reapInterval: -1 })
    return ofExpress(store, async () => undefined)
  },
  [],
)

/** The adapters, and whether their backend is a Redis. */
export const stores = [
  { adapter: keyv, of: 'keyv 5 with @keyv/redis', isRedis: true },
  { adapter: unstorage, of: 'unstorage 1 with its redis driver', isRedis: true },
  { adapter: connectRedis, of: 'connect-redis 9', isRedis: true },
  { adapter: memorystore, of: 'memorystore 1', isRedis: false },
  { adapter: sessionFileStore, of: 'session-file-store 1', isRedis: false },
]
