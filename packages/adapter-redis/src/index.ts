/**
 * The redis store: one server, Sentinel or a Cluster. `sessions('redis', …)` finds it.
 *
 * @module @sess/adapter-redis
 */
import { createHash } from 'node:crypto'
import { type Adapter, corrupt, frame, newVersion, serverStore, unframe } from '@sess/core/adapter'
import { Client } from './client.js'
import { isReply } from './error.js'
import { readRedisOptions, type RedisOptions } from './options.js'

export type { RedisOptions } from './options.js'

// The header is that of core's `frame`: a version of 16 characters, a date of up to 16 digits, a colon.
const UPDATE = `
local head = redis.pcall('GETRANGE', KEYS[1], 0, 32)
if type(head) ~= 'string' or head:sub(1, 16) ~= ARGV[1] then return false end
if not head:find('^[%w_-]+:') or not head:find('^[1-9]%d*:', 17) then return false end
return redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])`
const DIGEST = createHash('sha1').update(UPDATE).digest('hex')

/** Keeps sessions in Redis: on one server, behind Sentinel or in a Cluster. */
const redis: Adapter<RedisOptions> = (options) => {
  const settings = readRedisOptions(options)
  const { prefix, maxBytes, deadline } = settings
  const client = new Client(settings)
  return serverStore({
    name: 'redis',
    maxBytes,
    deadline,
    lacks: ['retention', 'durability'],

    async create(key, entry) {
      const version = newVersion()
      const reply = await client.send('set', [prefix + key, frame(entry, version), 'PXAT', entry.expiresAt, 'NX'])
      return reply === null ? null : version
    },

    async read(key) {
      const reply = await client.send('get', [prefix + key])
      if (reply === null) return null
      const stored = typeof reply === 'string' ? unframe(reply) : undefined
      if (stored === undefined) throw corrupt('redis')
      return stored
    },

    async update(key, entry, version) {
      const next = newVersion()
      const args = [1, prefix + key, version, frame(entry, next), entry.expiresAt]
      const due = client.due()
      try {
        return (await client.send('evalsha', [DIGEST, ...args], due)) === null ? null : next
      } catch (error) {
        // The server does not know the script yet, or no longer.
        if (!isReply(error, 'NOSCRIPT')) throw error
        return (await client.send('eval', [UPDATE, ...args], due)) === null ? null : next
      }
    },

    async destroy(key) {
      await client.send('del', [prefix + key])
    },

    explain: (error) => client.explain(error),
    onTimeout: (began) => client.drop(began),
    close: async () => client.close(),
  })
}

export default redis
