/**
 * The memcache store: sessions on one memcached server or several. `sessions('memcache', …)` loads it.
 *
 * @module @sess/adapter-memcache
 */
import { isUtf8 } from 'node:buffer'
import {
  type Adapter,
  corrupt,
  frame,
  newVersion,
  serverStore,
  SessError,
  type Stored,
  unframe,
} from '@sess/core/adapter'
import { type MemcacheOptions, readMemcacheOptions } from './options.js'
import { Pool } from './pool.js'
import { checkSetUp } from './set-up.js'
import { add, type Command, get, gets, remove, removeIf, swap } from './protocol.js'

export type { MemcachedClient } from './client.js'
export type { MemcacheOptions } from './options.js'

/** The package and its version. The build puts it here. */
declare const PACKAGE_ID: string

const NAME = 'memcache'

const NO_CAS =
  'The memcached server has compare-and-swap turned off, so no session can be updated. Start it without -C.'

function entryOf(value: Buffer): Stored | undefined {
  return isUtf8(value) ? unframe(value.toString()) : undefined
}

/** Stores sessions in memcached, on one server or several. */
const memcache: Adapter<MemcacheOptions> = (options) => {
  const settings = readMemcacheOptions(options)
  const { placement, prefix, deadline, maxBytes } = settings
  const pool = new Pool(placement, deadline)
  const send = (command: Command, began: number) => pool.connectionOf(command.key).send(command, began)

  return serverStore({
    name: NAME,
    maxBytes,
    deadline,
    lacks: ['retention', 'durability'],
    async create(key, entry, began) {
      const version = newVersion()
      const { head } = await send(add(prefix + key, frame(entry, version), entry.expiresAt), began)
      return head === 'STORED' ? version : null
    },
    async read(key, began) {
      const { value } = await send(get(prefix + key), began)
      if (value === undefined) return null
      const entry = entryOf(value)
      if (entry === undefined) throw corrupt(NAME)
      return entry
    },
    async update(key, entry, version, began) {
      const connection = pool.connectionOf(prefix + key)
      const { value, cas } = await connection.send(gets(prefix + key), began)
      if (value === undefined || entryOf(value)?.version !== version) return null
      if (cas === undefined || cas === '0') throw new SessError('UNAVAILABLE', NO_CAS)
      const next = newVersion()
      // The same connection is needed: a restarted server counts from 1 again, so `cas` could then name another write.
      if (entry.expiresAt <= Date.now()) {
        // A full server with `-M` would refuse to store an entry, also one that has expired.
        const { head } = await connection.send(removeIf(prefix + key, cas), began)
        if (head !== 'ERROR') return head === 'HD' ? next : null
      }
      const { head } = await connection.send(swap(prefix + key, frame(entry, next), entry.expiresAt, cas), began)
      return head === 'STORED' ? next : null
    },
    async destroy(key, began) {
      await send(remove(prefix + key), began)
    },
    async close() {
      pool.close()
    },
    check: (began) => checkSetUp(pool, settings, began),
    serverOf: (key) => pool.serverOf(prefix + key).name,
    onTimeout: (began) => pool.closeStuck(began),
  })
}

Object.assign(memcache, { id: PACKAGE_ID })

export default memcache
