// Compares each store with its bare client on a real server, as ratios of throughput in one run: reads and updates of
// 500 bytes, with 1 and with 64 in flight. The two take turns in short batches.
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import memcache from '@sess/adapter-memcache'
import redis from '@sess/adapter-redis'
import sqlite from '@sess/adapter-sqlite'
import { createAdapterContext, frame, newVersion } from '@sess/core/adapter'
import Database from 'better-sqlite3'
import { Redis } from 'ioredis'
import Memcached from 'memcached'
import { startMemcached } from '../scripts/servers/memcached.js'
import { startRedis } from '../scripts/servers/redis.js'
import { show, spread } from './ratio.js'
import { SECRET } from './session.js'

const ROUNDS = Number(process.env['ROUNDS'] ?? 60)
const WARM_UP_ROUNDS = 5
const CALLS = 400
const WIDTH = 64
const DATA = 'x'.repeat(500)
const context = createAdapterContext({ secret: SECRET })
const entry = () => ({ data: DATA, expiresAt: Date.now() + 3_600_000 })

/**
 * A bare client or a store of ours. `read` reads once; `updater` makes an entry, and a function that updates it.
 *
 * @typedef {{ read: () => unknown, updater: () => Promise<() => unknown> }} Contestant
 */

/** @param {import('@sess/core/adapter').Store} store @returns {Promise<Contestant>} */
async function ours(store) {
  if (store.kind !== 'server') throw new Error('This compares server stores.')
  await store.create('read', entry())
  let entries = 0
  return {
    read: () => store.read('read'),
    async updater() {
      const key = `updated${++entries}`
      let version = (await store.create(key, entry())) ?? ''
      return async () => {
        version = (await store.update(key, entry(), version)) ?? ''
        if (version === '') throw new Error('An update found an unexpected version.')
      }
    },
  }
}

const LUA = `if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return false end
return redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])`
const SHA = createHash('sha1').update(LUA).digest('hex')

async function redisPair() {
  const server = await startRedis()
  const client = new Redis(server.url)
  await client.script('LOAD', LUA)
  const put = async (/** @type {string} */ key) => {
    const version = newVersion()
    await client.set(key, frame(entry(), version))
    return version
  }
  await put('read')
  let entries = 0
  /** @type {Contestant} */
  const bare = {
    read: () => client.get('read'),
    async updater() {
      const key = `bare${++entries}`
      let version = await put(key)
      return async () => {
        const [before, next] = [version, newVersion()]
        const given = entry()
        await client.evalsha(SHA, 1, key, before, frame(given, next), given.expiresAt)
        version = next
      }
    },
  }
  const store = redis({ url: server.url }, context)
  const stop = async () => {
    client.disconnect()
    await server.stop()
  }
  return { bare, store, stop }
}

const seconds = () => Math.ceil(Date.now() / 1000) + 3600

async function memcachePair() {
  const server = await startMemcached()
  const client = new Memcached(server.address, { poolSize: WIDTH })
  const [get, gets, set, cas] = [client.get, client.gets, client.set, client.cas].map((method) =>
    promisify(method).bind(client),
  )
  await set('read', frame(entry(), newVersion()), seconds())
  let entries = 0
  /** @type {Contestant} */
  const bare = {
    read: () => get('read'),
    async updater() {
      const key = `bare${++entries}`
      await set(key, frame(entry(), newVersion()), seconds())
      return async () => {
        const found = await gets(key)
        await cas(key, frame(entry(), newVersion()), found.cas, seconds())
      }
    },
  }
  const store = memcache({ servers: server.address }, context)
  const stop = async () => {
    client.end()
    await server.stop()
  }
  return { bare, store, stop }
}

async function sqlitePair() {
  const folder = mkdtempSync(join(tmpdir(), 'sess-benchmark-'))
  const database = new Database(join(folder, 'bare.sqlite'))
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  database.exec(`CREATE TABLE sessions (key TEXT PRIMARY KEY, data TEXT NOT NULL, expires_at INTEGER NOT NULL,
    version TEXT NOT NULL) STRICT; CREATE INDEX expiry ON sessions (expires_at)`)
  const insert = database.prepare('INSERT INTO sessions VALUES (?, ?, ?, ?)')
  const select = database.prepare('SELECT data, expires_at, version FROM sessions WHERE key = ?')
  const update = database.prepare(
    'UPDATE sessions SET data = ?, expires_at = ?, version = ? WHERE key = ? AND version = ?',
  )
  insert.run('read', DATA, entry().expiresAt, newVersion())
  let entries = 0
  /** @type {Contestant} */
  const bare = {
    read: async () => select.get('read'),
    async updater() {
      const key = `bare${++entries}`
      let version = newVersion()
      insert.run(key, DATA, entry().expiresAt, version)
      return async () => {
        const next = newVersion()
        update.run(DATA, entry().expiresAt, next, key, version)
        version = next
      }
    },
  }
  const store = sqlite({ file: join(folder, 'ours.sqlite') }, context)
  const stop = async () => {
    database.close()
    rmSync(folder, { recursive: true })
  }
  return { bare, store, stop }
}

/** @param {readonly (() => unknown)[]} lanes run in parallel; each calls its function again and again */
async function time(lanes) {
  const began = performance.now()
  await Promise.all(
    lanes.map(async (work) => {
      for (let count = 0; count < CALLS / lanes.length; count++) await work()
    }),
  )
  return performance.now() - began
}

/** Throughput of `own`, divided by that of `bare`. @param {() => Promise<number>} bare @param {() => Promise<number>} own */
async function ratio(bare, own) {
  const ratios = []
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const isOwnFirst = round % 2 === 0
    const first = await (isOwnFirst ? own() : bare())
    const second = await (isOwnFirst ? bare() : own())
    if (round >= 0) ratios.push(isOwnFirst ? second / first : first / second)
  }
  return show(spread(ratios))
}

/** @param {Contestant} contestant @param {number} width */
function readers({ read }, width) {
  return Array.from({ length: width }, () => read)
}

/** @param {Contestant} contestant @param {number} width */
async function updaters({ updater }, width) {
  return Promise.all(Array.from({ length: width }, updater))
}

console.log(`Throughput divided by that of the bare client: median and quartiles of ${ROUNDS} rounds\n`)
for (const [name, open] of /** @type {const} */ ([
  ['redis', redisPair],
  ['memcache', memcachePair],
  ['sqlite', sqlitePair],
])) {
  const { bare, store, stop } = await open()
  const own = await ours(store)
  for (const [width, leastRead, leastUpdate] of /** @type {const} */ ([
    [1, 0.95, 0.9],
    [WIDTH, 0.85, 0.85],
  ])) {
    const label = `${name}, ${width} in flight`.padEnd(24)
    const [bareReads, ownReads] = [readers(bare, width), readers(own, width)]
    console.log(
      `${label} read    ${await ratio(
        () => time(bareReads),
        () => time(ownReads),
      )}   at least ${leastRead}`,
    )
    const [bareUpdates, ownUpdates] = [await updaters(bare, width), await updaters(own, width)]
    console.log(
      `${label} update  ${await ratio(
        () => time(bareUpdates),
        () => time(ownUpdates),
      )}   at least ${leastUpdate}`,
    )
  }
  if (store.kind === 'server') await store.close()
  await stop()
}
