import { once } from 'node:events'
import { createServer } from 'node:net'
import type { RedisOptions } from '@sess/adapter-redis'
import type { ServerStore } from '@sess/core/adapter'
import { Cluster, Redis } from 'ioredis'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startSentinels } from '../../../scripts/servers/redis.js'
import { type Fault, startFaultProxy } from '../../conformance/src/faults/proxy.ts'
import { entry, failureOf, shown, works } from '../../../tests/support/stores.ts'
import { connect, ownServer, type Server } from './server.ts'
import { openStore, PATIENCE } from './stores.ts'

const PASSWORD = 'correct-horse'
const LOGIN = { username: 'alice', password: PASSWORD }
const KEY = 'secret-key'
const ENTRY = entry('{"card":"4111-1111-1111-1111"}')

/** Longer than a call that fails takes: a call that reaches its deadline has another cause. */
const deadline = 10_000

const open = (options: RedisOptions): ServerStore => openStore({ deadline, ...options })

/** A port of 127.0.0.1 that nothing listens at. */
async function deadPort(): Promise<number> {
  const server = await ownServer()
  await server.kill()
  return server.port
}

/** A Cluster of one server, which has the slots from 0 to `last`. */
async function startCluster(last: number): Promise<Server> {
  const server = await ownServer('--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1')
  await connect(server.url).call('CLUSTER', 'ADDSLOTSRANGE', 0, last)
  return server
}

/** A server that answers `reply` to whatever it gets. */
async function startTalker(reply: string): Promise<number> {
  const talker = createServer((client) => {
    client.on('error', () => {})
    client.on('data', () => client.write(reply))
  })
  talker.listen(0, '127.0.0.1')
  onTestFinished(() => void talker.close())
  await once(talker, 'listening')
  const address = talker.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function openAmid(fault: Fault): Promise<ServerStore> {
  const server = await ownServer()
  const proxy = await startFaultProxy(server.port)
  onTestFinished(() => proxy.close())
  const store = open({ url: `redis://${proxy.address}` })
  await works(store)
  await proxy.set(fault)
  return store
}

async function openStaleReplica(): Promise<ServerStore> {
  const replica = await ownServer()
  const direct = connect(replica.url)
  await direct.config('SET', 'replica-serve-stale-data', 'no')
  await direct.replicaof('127.0.0.1', await deadPort())
  return open({ url: replica.url })
}

async function openBusy(): Promise<ServerStore> {
  const server = await ownServer('--busy-reply-threshold', '1')
  const script = new Redis(server.url)
  script.eval('while true do end', 0).catch(() => {})
  script.on('error', () => {})
  onTestFinished(() => script.disconnect())
  const store = open({ url: server.url })
  await vi.waitFor(
    async () => expect((await failureOf(store.read(KEY))).cause).toMatchObject({ code: 'BUSY' }),
    PATIENCE,
  )
  return store
}

const CASES: Readonly<Record<string, readonly [open: () => Promise<ServerStore>, code: RegExp, message: RegExp]>> = {
  'nothing listens': [
    async () => open({ url: `redis://127.0.0.1:${await deadPort()}` }),
    /^ECONNREFUSED$/,
    /127\.0\.0\.1/,
  ],
  'nothing listens at any address of the host': [
    async () => open({ url: `redis://localhost:${await deadPort()}` }),
    /^ECONNREFUSED$/,
    /127\.0\.0\.1|::1/,
  ],
  'the host does not resolve': [
    async () => open({ url: `redis://:${PASSWORD}@redis.invalid` }),
    /^(?:ENOTFOUND|EAI_AGAIN)$/,
    /redis\.invalid/,
  ],
  'there is no such socket': [async () => open({ url: '/nowhere/redis.sock' }), /^ENOENT$/, /\/nowhere\/redis\.sock/],
  'the connection is closed instead of a reply': [() => openAmid('lose replies'), /^CONNECTION_LOST$/, /lost/],
  'the connection is closed in a reply': [() => openAmid('cut replies'), /^CONNECTION_LOST$/, /lost/],
  'the connection is closed at its first command': [
    async () => {
      const proxy = await startFaultProxy((await ownServer()).port)
      onTestFinished(() => proxy.close())
      await proxy.set('lose replies')
      return open({ url: `redis://${proxy.address}`, ...LOGIN })
    },
    /^CONNECTION_LOST$/,
    /lost/,
  ],
  'the server is not Redis': [
    async () => open({ url: `redis://127.0.0.1:${await startTalker('HTTP/1.1 400 Bad Request\r\n\r\n')}`, ...LOGIN }),
    /^UNEXPECTED_REPLY$/,
    /Is it Redis\?/,
  ],
  'the replica has lost its master': [
    openStaleReplica,
    /^(?:MASTERDOWN|READONLY)$/,
    /^(?:MASTERDOWN$|READONLY: .* connect to the master)/,
  ],
  'a script keeps the server busy': [openBusy, /^BUSY$/, /^BUSY$/],
  'no sentinel listens': [
    async () => open({ sentinels: [{ host: '127.0.0.1', port: await deadPort() }], name: 'main', ...LOGIN }),
    /^NO_MASTER$/,
    /answers/,
  ],
  'the host of the sentinel does not resolve': [
    async () => open({ sentinels: [{ host: 'redis.invalid', port: 26_379 }], name: 'main', ...LOGIN }),
    /^NO_MASTER$/,
    /answers/,
  ],
  'the sentinel wants a password': [
    async () => {
      const { port } = await ownServer('--requirepass', PASSWORD)
      return open({ sentinels: [{ host: '127.0.0.1', port }], name: 'main' })
    },
    /^NO_MASTER$/,
    /NOAUTH/,
  ],
  'no sentinel knows the master': [
    async () => {
      const group = await startSentinels()
      onTestFinished(() => group.stop())
      return open({ sentinels: group.sentinels, name: 'another' })
    },
    /^NO_MASTER$/,
    /knows the master/,
  ],
  'no node listens': [
    async () => open({ nodes: [{ host: '127.0.0.1', port: await deadPort() }], ...LOGIN }),
    /^ECONNREFUSED$/,
    /127\.0\.0\.1/,
  ],
  'the host of the node does not resolve': [
    async () => open({ nodes: [{ host: 'redis.invalid', port: 6379 }], ...LOGIN }),
    /^(?:ENOTFOUND|EAI_AGAIN)$/,
    /redis\.invalid/,
  ],
  'the node wants a password': [
    async () => {
      const { port } = await ownServer('--cluster-enabled', 'yes', '--requirepass', PASSWORD)
      return open({ nodes: [{ host: '127.0.0.1', port }] })
    },
    /^NOAUTH$/,
    /^NOAUTH: .* set username and password/,
  ],
  'the node is no node of a Cluster': [
    async () => open({ nodes: [{ host: '127.0.0.1', port: (await ownServer()).port }] }),
    /^ERR$/,
    /^ERR$/,
  ],
  'the Cluster has no master for some slots': [
    async () => open({ nodes: [{ host: '127.0.0.1', port: (await startCluster(1)).port }], deadline: 4000 }),
    /^CLUSTERDOWN$/,
    /^CLUSTERDOWN: .* CLUSTER INFO/,
  ],
  'the connection to a node is closed instead of a reply': [
    async () => {
      const server = await startCluster(16_383)
      const proxy = await startFaultProxy(server.port)
      onTestFinished(() => proxy.close())
      const natMap = { [`127.0.0.1:${server.port}`]: { host: proxy.host, port: proxy.port } }
      const store = open({
        client: new Cluster([{ host: proxy.host, port: proxy.port }], { natMap, lazyConnect: true }),
      })
      await works(store)
      await proxy.set('lose replies')
      return store
    },
    /^(?:CONNECTION_LOST|NO_NODE)$/,
    /lost|No node/,
  ],
}

it.each(Object.entries(CASES))(
  '7.1 %s: the cause says so, and shows nothing of what was sent',
  async (_why, [start, code, message]) => {
    const store = await start()
    const calls = [
      () => store.create(KEY, ENTRY),
      () => store.read(KEY),
      () => store.update(KEY, ENTRY, '0123456789abcdef'),
      () => store.destroy(KEY),
    ]
    for (const call of calls) {
      const error = await failureOf(call)
      expect(error).toMatchObject({
        code: 'UNAVAILABLE',
        cause: { code: expect.stringMatching(code), message: expect.stringMatching(message) },
      })
      expect(shown(error)).not.toMatch(/4111|correct-horse|secret-key/)
    }
  },
  60_000,
)
