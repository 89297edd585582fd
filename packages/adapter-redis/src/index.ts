/**
 * The redis store: sessions on one Redis server, behind Sentinel or in a Cluster. `sessions('redis', …)` loads it.
 *
 * @module @sess/adapter-redis
 */
import { type Adapter, corrupt, frame, newVersion, serverStore, unframe } from '@sess/core/adapter'
import { Batch } from './batch.js'
import { Client } from './client.js'
import { readsOf, writesOf } from './entry-commands.js'
import { readRedisOptions, type RedisOptions } from './options.js'
import { checkSetUp } from './set-up.js'

export type { RedisOptions } from './options.js'

/** The package and its version. The build puts it here. */
declare const PACKAGE_ID: string

/** Stores sessions in Redis: on one server, behind Sentinel or in a Cluster. */
const redis: Adapter<RedisOptions> = (options) => {
  const settings = readRedisOptions(options)
  const { prefix, maxBytes, deadline } = settings
  const client = new Client(settings)
  const reads = new Batch(client, readsOf(client))
  const writes = new Batch(client, writesOf(client))
  return serverStore({
    name: 'redis',
    maxBytes,
    deadline,
    lacks: ['retention', 'durability'],

    async create(key, entry, began) {
      const version = newVersion()
      const write = { key: prefix + key, value: frame(entry, version), expiresAt: entry.expiresAt }
      return (await writes.ask(write, began, write.value.length)) === null ? null : version
    },

    async read(key, began) {
      let reply = await reads.ask(prefix + key, began)
      if (reply === undefined) reply = await client.send('get', [prefix + key], client.due(began))
      if (reply === null) return null
      const stored = typeof reply === 'string' ? unframe(reply) : undefined
      if (stored === undefined) throw corrupt('redis')
      return stored
    },

    async update(key, entry, version, began) {
      const next = newVersion()
      const write = { key: prefix + key, value: frame(entry, next), expiresAt: entry.expiresAt, known: version }
      return (await writes.ask(write, began, write.value.length)) === null ? null : next
    },

    async destroy(key, began) {
      await client.send('del', [prefix + key], client.due(began))
    },

    check: (began) => checkSetUp(client, prefix, began),
    serverOf: (key) => client.nodeOf(prefix + key),
    mapError: (error) => client.mapError(error),
    onTimeout: (began) => client.drop(began),
    close: async () => client.close(),
  })
}

Object.assign(redis, { id: PACKAGE_ID })

export default redis
