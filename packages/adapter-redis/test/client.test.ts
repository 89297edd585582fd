import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../../scripts/servers/redis.js'
import { ALICE, codeOf, succeed, works } from '../../../tests/support/stores.ts'
import { ownServer } from './server.ts'
import { block, expectUnavailable, keysAt, openStore, writeInVain } from './stores.ts'

let server: Awaited<ReturnType<typeof startRedis>>

beforeAll(async () => {
  server = await startRedis()
})

afterAll(() => server.stop())

function makeClient(options: Omit<RedisOptions, 'replyMapping'> = {}, { port } = server): Redis {
  const client = new Redis(port, options)
  onTestFinished(() => client.disconnect())
  return client
}

describe('a client that is passed in', () => {
  it('keeps its keyPrefix and its database', async () => {
    const client = makeClient({ keyPrefix: 'application:', db: 3 })
    const store = openStore({ client, prefix: 'sess:' })
    const version = await succeed(store.create('key', ALICE))
    const next = await succeed(store.update('key', ALICE, version))
    expect(await store.read('key')).toEqual({ ...ALICE, version: next })
    expect(await client.get('sess:key')).toContain(next)
    expect(await keysAt(`${server.url}/3`)).toContain('application:sess:key')
    await store.destroy('key')
    expect(await client.exists('sess:key')).toBe(0)
  })

  it('7.5 is left open', async () => {
    const client = makeClient()
    const store = openStore({ client })
    await succeed(store.create('key', ALICE))
    await store.close()
    expect(await client.ping()).toBe('PONG')
    expect(client.status).toBe('ready')
  })

  it('may be closed by its owner, and the store goes on', async () => {
    const client = makeClient()
    const store = openStore({ client })
    const version = await succeed(store.create('key', ALICE))
    await client.quit()
    expect(await store.read('key')).toEqual({ ...ALICE, version })
  })

  it('is not slowed down, subscribed or changed by the store', async () => {
    const client = makeClient()
    const before = JSON.stringify(client.options)
    const store = openStore({ client, deadline: 123 })
    await succeed(store.create('key', ALICE))
    expect(JSON.stringify(client.options)).toBe(before)
    expect(client.listenerCount('error')).toBe(0)
  })

  it('may be used for subscriptions by its owner', async () => {
    const client = makeClient()
    await client.subscribe('channel')
    const store = openStore({ client })
    const version = await succeed(store.create('key', ALICE))
    expect(await store.read('key')).toEqual({ ...ALICE, version })
  })

  it('may have settings that would send twice, late or never', async () => {
    const own = await ownServer()
    const settings = {
      lazyConnect: true,
      autoResendUnfulfilledCommands: true,
      maxRetriesPerRequest: null,
      enableOfflineQueue: false,
      enableAutoPipelining: true,
      commandTimeout: 1,
      retryStrategy: () => null,
    }
    const client = makeClient(settings, own)
    const store = openStore({ client, deadline: 500 })
    await succeed(store.create('key', ALICE))
    await own.freeze()
    await expectUnavailable(store)
    own.thaw()
    await works(store)
    await own.kill()
    await writeInVain(store)
    await own.restart()
    await works(store)
    expect(await keysAt(own.url)).toEqual([])
  })

  it('7.4 sends nothing late', async () => {
    const own = await ownServer()
    const store = openStore({ client: makeClient({ lazyConnect: true }, own), deadline: 200 })
    const writes = writeInVain(store)
    block(300)
    await writes
    await works(store)
    expect(await keysAt(own.url)).toEqual([])
  })
})

describe('7.6 a client that reads from replicas', () => {
  it.each(['slave', 'all', () => []] as const)('is refused: scaleReads %s', (scaleReads) => {
    const client = new Cluster([server.url], { lazyConnect: true, scaleReads })
    expect(() => openStore({ client })).toThrow('Option redis.client is an object; expected a client that reads from')
  })

  it('is refused: of role slave', async () => {
    const client = makeClient({ lazyConnect: true, sentinels: [{ host: '127.0.0.1' }], name: 'x', role: 'slave' })
    expect(await codeOf(() => openStore({ client }))).toBe('INVALID_OPTION')
  })
})
