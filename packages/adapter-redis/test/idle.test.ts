import { Socket } from 'node:net'
import type { ServerStore, Version } from '@sess/core/adapter'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startCluster, startSentinels } from '../../../scripts/servers/redis.js'
import { startFaultProxy } from '../../conformance/src/faults/proxy.ts'
import { ALICE, codeOf, entry, numbers, succeed, works } from '../../../tests/support/stores.ts'
import { startFirewall } from './firewall.ts'
import { connect, ownServer } from './server.ts'
import { expectUnavailable, FAILOVER_MS, keysAt, openStore, pingsAt, writeInVain } from './stores.ts'

/** Milliseconds for which a connection is used without being asked first. */
const IDLE_MS = 10_000
const CALLS = numbers(50)

/** Moves the clock by which the store knows how long a connection was idle. The clock of deadlines is another one. */
function idleFor(ms: number): void {
  const later = Date.now() + ms
  const clock = vi.spyOn(Date, 'now').mockReturnValue(later)
  onTestFinished(() => clock.mockRestore())
}

type Versions = readonly Version[]

function createAll(store: ServerStore): Promise<Versions> {
  return Promise.all(CALLS.map((n) => succeed(store.create(`key${n}`, entry('0')))))
}

/** An update that is sent twice is refused the second time. */
function updateAll(store: ServerStore, versions: Versions): Promise<Versions> {
  return Promise.all(CALLS.map((n) => succeed(store.update(`key${n}`, entry('1'), versions[n] ?? ''))))
}

async function expectAll(store: ServerStore, data: string, versions: Versions): Promise<void> {
  const found = await Promise.all(CALLS.map((n) => store.read(`key${n}`)))
  expect(found).toEqual(versions.map((version) => ({ ...entry(data), version })))
}

describe('7.1 a connection that a firewall has forgotten while it was idle', () => {
  it.each([
    ['drops', 2000],
    ['drops', 500],
    ['resets', 1000],
  ] as const)('and now %s fails no call, neither reads nor writes, within %d ms', async (habit, deadline) => {
    const server = await ownServer()
    const firewall = await startFirewall(server.port, habit)
    const store = openStore({ url: `redis://127.0.0.1:${firewall.port}`, deadline })
    const versions = await createAll(store)
    firewall.forget()
    idleFor(IDLE_MS + 1)
    await expectAll(store, '0', versions)
    firewall.forget()
    idleFor(IDLE_MS + 1)
    await expectAll(store, '1', await updateAll(store, versions))
  })

  it('7.4 is sent no write, and the next one gets each write once', async () => {
    const server = await ownServer()
    const firewall = await startFirewall(server.port)
    const store = openStore({ url: `redis://127.0.0.1:${firewall.port}` })
    await works(store)
    const direct = connect(server.url)
    firewall.forget()
    idleFor(IDLE_MS + 1)
    await direct.config('RESETSTAT')
    await createAll(store)
    expect(await direct.info('commandstats')).toContain('cmdstat_set:calls=50,')
  })

  it('is used again if it does answer, with one question for all calls', async () => {
    const server = await ownServer()
    const direct = connect(server.url)
    const store = openStore({ url: server.url })
    const versions = await createAll(store)
    await direct.config('RESETSTAT')
    idleFor(IDLE_MS / 2)
    await expectAll(store, '0', versions)
    expect(await direct.info('commandstats')).not.toContain('cmdstat_ping')
    idleFor(IDLE_MS + 1)
    await updateAll(store, versions)
    expect(await direct.info('commandstats')).toContain('cmdstat_ping:calls=1,')
    expect(await direct.info('stats')).toContain('total_connections_received:0\r\n')
  })

  it('7.4 and that cannot be replaced makes calls UNAVAILABLE in time, and sends none of them later', async () => {
    const server = await ownServer()
    const proxy = await startFaultProxy(server.port)
    onTestFinished(() => proxy.close())
    const store = openStore({ url: `redis://${proxy.address}`, deadline: 300 })
    await works(store)
    await proxy.set('blackhole')
    idleFor(IDLE_MS + 1)
    await writeInVain(store)
    await expectUnavailable(store)
    await proxy.set('none')
    await works(store)
    expect(await keysAt(server.url)).toEqual([])
    expect(await pingsAt(server.url)).toBeLessThan(200)
  })

  it('7.5 does not delay the end of a store that is closed meanwhile', async () => {
    const server = await ownServer()
    const firewall = await startFirewall(server.port)
    const store = openStore({ url: `redis://127.0.0.1:${firewall.port}` })
    await works(store)
    firewall.forget()
    idleFor(IDLE_MS + 1)
    const call = codeOf(() => store.create('key', ALICE))
    await store.close()
    expect(await call).toBe('none')
  })
})

describe('7.1 behind Sentinel, a connection that was forgotten while it was idle', () => {
  let group: Awaited<ReturnType<typeof startSentinels>>

  beforeAll(async () => {
    group = await startSentinels()
  })

  afterAll(() => group.stop())

  it('fails no call', async () => {
    const { port } = group.master()
    const firewall = await startFirewall(port)
    const { sentinels, name } = group
    const client = new Redis({ sentinels, name, natMap: { [`127.0.0.1:${port}`]: firewall }, lazyConnect: true })
    const store = openStore({ client, deadline: 2000 })
    const versions = await createAll(store)
    firewall.forget()
    idleFor(IDLE_MS + 1)
    await expectAll(store, '1', await updateAll(store, versions))
  })
})

describe('7.1 in a Cluster, connections that were forgotten while they were idle', () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>

  beforeAll(async () => {
    cluster = await startCluster()
  }, FAILOVER_MS)

  afterAll(() => cluster.stop())

  it.each([
    ['drops', 'all nodes', 6],
    ['drops', 'one node', 1],
    ['resets', 'all nodes', 6],
    ['resets', 'one node', 1],
  ] as const)('fail no call if the firewall now %s those to %s', async (habit, _which, count) => {
    const firewalls = await Promise.all(cluster.nodes.map(({ port }) => startFirewall(port, habit)))
    const addresses = firewalls.map(({ host, port }) => ({ host, port }))
    const natMap = Object.fromEntries(
      cluster.nodes.map(({ port }, n) => [`127.0.0.1:${port}`, addresses[n] ?? { host: '', port: 0 }]),
    )
    const store = openStore({ client: new Cluster(addresses, { natMap, lazyConnect: true }), deadline: 2000 })
    const versions = await createAll(store)
    for (const firewall of firewalls.slice(0, count)) firewall.forget()
    idleFor(IDLE_MS + 1)
    await expectAll(store, '1', await updateAll(store, versions))
  })
})

describe('TCP keep-alive', () => {
  it.each([
    ['a server', (port: number) => ({ url: `redis://127.0.0.1:${port}` })],
    ['a client without it', (port: number) => ({ client: new Redis(port, { lazyConnect: true, keepAlive: 0 }) })],
  ])('is on for the connection of %s', async (_what, options) => {
    const server = await ownServer()
    const store = openStore(options(server.port))
    const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive')
    onTestFinished(() => keepAlive.mockRestore())
    await works(store)
    expect(keepAlive.mock.calls).toEqual([[true, IDLE_MS]])
  })
})
