import redis, { type RedisOptions } from '@sess/adapter-redis'
import { testStore } from '@sess/conformance/vitest'
import { Redis } from 'ioredis'
import { startRedis } from '../../../scripts/servers/redis.js'
import { until } from '../../../scripts/servers/server.js'

const server = await startRedis()
const direct = new Redis(server.url)
const client = new Redis(server.url)
// The suite restarts the server, and they connect to it again.
for (const connection of [direct, client]) connection.on('error', () => {})

testStore<RedisOptions>({
  adapter: redis,
  options: ({ scope, address }) => ({ url: `redis://${address}`, prefix: `${scope}:` }),
  backend: {
    tcp: `127.0.0.1:${server.port}`,
    restart: () => server.restart(),
    // With less memory than it needs to run, it evicts all that it holds.
    async evict() {
      await direct.config('SET', 'maxmemory-policy', 'allkeys-lru')
      await direct.config('SET', 'maxmemory', '1')
      await until('redis has evicted everything', async () => (await direct.dbsize()) === 0)
      await direct.config('SET', 'maxmemory', '0')
    },
    async fill() {
      await direct.config('SET', 'maxmemory-policy', 'noeviction')
      await direct.config('SET', 'maxmemory', '1')
      return async () => void (await direct.config('SET', 'maxmemory', '0'))
    },
    async forbidWrites() {
      await direct.config('SET', 'min-replicas-to-write', '1')
      return async () => void (await direct.config('SET', 'min-replicas-to-write', '0'))
    },
    async plant(scope, key, bytes) {
      await direct.set(`${scope}:${key}`, Buffer.from(bytes))
    },
  },
  wrong: [{ url: 'http://127.0.0.1' }, { nodes: [] }, { deadline: 0 }, { prefix: 'sess' }],
  passedIn: {
    options: ({ scope }) => ({ client, prefix: `${scope}:` }),
    isOpen: async () => (await client.ping()) === 'PONG',
  },
  async close() {
    for (const connection of [direct, client]) connection.disconnect()
    await server.stop()
  },
})
