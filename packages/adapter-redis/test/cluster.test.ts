import { codeOf as codeOfError, isSessError } from '@sess/core/adapter'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startCluster } from '../../../scripts/servers/redis.js'
import { type Fault, type FaultProxy, startFaultProxy } from '../../conformance/src/faults/proxy.ts'
import { ALICE, codeOf, entry, succeed, until, works } from '../../../tests/support/stores.ts'
import { expectOwners } from './owners.ts'
import { connect } from './server.ts'
import {
  block,
  expectAllAllowed,
  expectUnavailable,
  FAILOVER_MS,
  keysAt,
  newPrefix,
  openStore,
  PATIENCE,
  pingsAt,
  RIGHTS,
  writeInVain,
} from './stores.ts'
import { Traffic } from './traffic.ts'

const KEYS = Array.from({ length: 60 }, (_, n) => `key${n}`)

let cluster: Awaited<ReturnType<typeof startCluster>>

beforeAll(async () => {
  cluster = await startCluster()
}, FAILOVER_MS)

afterAll(() => cluster.stop())

/** Every key with that prefix, of all masters. */
async function keysOf(prefix: string): Promise<string[]> {
  const keys = await Promise.all((await cluster.masters()).map(({ url }) => keysAt(url)))
  return keys.flat().filter((key) => key.startsWith(prefix))
}

/** How many PINGs the nodes have received. A few come from the tests. */
async function pingsOf(): Promise<number> {
  const counts = await Promise.all(cluster.nodes.map(({ url }) => pingsAt(url)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** The code of what made each call fail, or `'none'`. */
async function causesOf(calls: readonly Promise<unknown>[]): Promise<ReadonlySet<unknown>> {
  const outcomes = await Promise.allSettled(calls)
  return new Set(
    outcomes.map((outcome) =>
      outcome.status === 'rejected' && isSessError(outcome.reason) ? codeOfError(outcome.reason.cause) : 'none',
    ),
  )
}

/** Waits until the store works for keys of every master. */
async function worksEverywhere(store: ReturnType<typeof openStore>): Promise<void> {
  const codes = async () => new Set(await Promise.all(KEYS.map((key) => codeOf(() => store.read(key)))))
  await expect.poll(codes, PATIENCE).toEqual(new Set(['none']))
}

/** A client of the Cluster that reaches each node through a proxy. */
async function startBehindProxies(): Promise<{ client: Cluster; proxies: readonly FaultProxy[] }> {
  const proxies = await Promise.all(cluster.nodes.map(({ port }) => startFaultProxy(port)))
  onTestFinished(async () => void (await Promise.all(proxies.map((proxy) => proxy.close()))))
  const natMap = Object.fromEntries(
    cluster.nodes.map((node, n) => [`127.0.0.1:${node.port}`, { host: '127.0.0.1', port: proxies[n]?.port ?? 0 }]),
  )
  return { client: new Cluster(Object.values(natMap), { natMap, lazyConnect: true }), proxies }
}

/** A connection that is lost when the first reply to `command` arrives. Later replies pass. */
function firstReplyLost(command: string): Fault {
  let isLost = false
  return {
    loseReplyTo(request) {
      if (isLost || !request.includes(command)) return false
      isLost = true
      return true
    },
  }
}

describe('a Cluster', () => {
  it('holds entries on all of its masters, found from any of its nodes', async () => {
    const prefix = newPrefix()
    const [one, other] = [
      openStore({ nodes: cluster.addresses.slice(0, 1), prefix }),
      openStore({ nodes: cluster.addresses.slice(5), prefix }),
    ]
    const versions = await Promise.all(KEYS.map((key) => succeed(one.create(key, entry(key)))))
    const next = await Promise.all(
      KEYS.map((key, n) => succeed(other.update(key, entry(`${key}!`), versions[n] ?? ''))),
    )
    const found = await Promise.all(KEYS.map((key) => one.read(key)))
    expect(found).toEqual(KEYS.map((key, n) => ({ ...ALICE, data: `${key}!`, version: next[n] })))
    const counts = await Promise.all((await cluster.masters()).map(async ({ url }) => (await keysAt(url)).length))
    expect(counts).toHaveLength(3)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    await Promise.all(KEYS.map((key) => other.destroy(key)))
    expect(await keysOf(prefix)).toEqual([])
  })

  it('lists and revokes the sessions of a user, which are on all of its masters', async () => {
    const prefix = newPrefix()
    const open = (nodes: typeof cluster.addresses) => openStore({ nodes, prefix })
    await expectOwners([open(cluster.addresses.slice(0, 1)), open(cluster.addresses.slice(5))], 100)
  })

  it('keeps its entries in use while their slot moves to another master', async () => {
    // The keys of such a prefix are in one slot.
    const prefix = `{${newPrefix()}}:`
    const store = openStore({ nodes: cluster.addresses, prefix })
    const [moved, left, fresh] = ['moved', 'left', 'fresh']
    const versions = [await succeed(store.create(moved, ALICE)), await succeed(store.create(left, ALICE))]
    const masters = (await cluster.masters()).map(({ url, port }) => ({ direct: connect(url), port }))
    const slot = await connect(cluster.nodes[0]?.url ?? '').cluster('KEYSLOT', prefix)
    const hold = await Promise.all(masters.map(({ direct }) => direct.cluster('COUNTKEYSINSLOT', slot)))
    const [source, target] = [masters[hold.indexOf(2)], masters[hold.indexOf(0)]]
    if (source === undefined || target === undefined) throw new Error('expected a master that has both entries')
    const [sourceId, targetId] = [await source.direct.cluster('MYID'), await target.direct.cluster('MYID')]
    await target.direct.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId)
    await source.direct.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId)
    await source.direct.call('MIGRATE', '127.0.0.1', target.port, prefix + moved, 0, 5000)

    expect(await store.read(moved)).toEqual({ ...ALICE, version: versions[0] })
    await succeed(store.update(moved, entry('moved'), versions[0] ?? ''))
    await succeed(store.update(left, entry('left'), versions[1] ?? ''))
    await succeed(store.create(fresh, entry('fresh')))
    await source.direct.call('MIGRATE', '127.0.0.1', target.port, prefix + left, 0, 5000)
    for (const { direct } of [target, source]) await direct.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId)
    for (const key of [moved, left, fresh]) expect(await store.read(key)).toMatchObject({ data: key })
    await Promise.all([moved, left, fresh].map((key) => store.destroy(key)))
    expect(await target.direct.cluster('COUNTKEYSINSLOT', slot)).toBe(0)
  })

  it('is used by a client that is passed in, which keeps its keyPrefix and is left open', async () => {
    const client = new Cluster(cluster.addresses, { keyPrefix: 'application:' })
    onTestFinished(() => client.disconnect())
    const prefix = newPrefix()
    const store = openStore({ client, prefix })
    const versions = await Promise.all(KEYS.map((key) => succeed(store.create(key, ALICE))))
    await Promise.all(KEYS.map((key, n) => succeed(store.update(key, ALICE, versions[n] ?? ''))))
    await store.close()
    expect(await keysOf(`application:${prefix}`)).toHaveLength(KEYS.length)
    expect(client.status).toBe('ready')
  })

  it('needs no rights of the user but those on the page', async () => {
    const directs = cluster.nodes.map(({ url }) => connect(url))
    const rights = [...RIGHTS, '+cluster|slots', '+client|setname', '+asking', '+readonly', '+readwrite']
    await Promise.all(directs.map((direct) => direct.call('ACL', 'SETUSER', 'alice', 'on', '>password', ...rights)))
    const store = openStore({ nodes: cluster.addresses, username: 'alice', password: 'password', prefix: 'sess:' })
    for (const key of KEYS) await expectAllAllowed(store, key)
    expect((await Promise.all(directs.map((direct) => direct.call('ACL', 'LOG')))).flat()).toEqual([])
  })

  it('7.4 is sent nothing late', async () => {
    const prefix = newPrefix()
    const store = openStore({ nodes: cluster.addresses, prefix, deadline: 300 })
    const writes = writeInVain(store)
    block(400)
    await writes
    await works(store)
    expect(await keysOf(prefix)).toEqual([])
  })
})

describe('7.4 a write to a Cluster whose reply is lost', () => {
  it(
    'is UNAVAILABLE, done once at most, and never reported as refused',
    async () => {
      const { client, proxies } = await startBehindProxies()
      const prefix = newPrefix()
      const [store, witness] = [openStore({ client, prefix }), openStore({ nodes: cluster.addresses, prefix })]
      await Promise.all(KEYS.map((key) => succeed(store.create(key, entry('0')))))
      for (let round = 0; round < 3; round++) {
        await Promise.all(proxies.map((proxy) => proxy.set(firstReplyLost('evalsha'))))
        const outcomes = KEYS.map(async (key) => {
          const found = await witness.read(key)
          const next = entry(`${Number(found?.data) + 1}`)
          return codeOf(async () => succeed(store.update(key, next, found?.version ?? '')))
        })
        for (const outcome of await Promise.all(outcomes)) expect(['none', 'UNAVAILABLE']).toContain(outcome)
        expect(await Promise.all(outcomes)).toContain('UNAVAILABLE')
        await worksEverywhere(store)
      }
      for (const found of await Promise.all(KEYS.map((key) => witness.read(key)))) {
        expect(Number(found?.data)).toBeLessThanOrEqual(3)
      }
    },
    FAILOVER_MS,
  )
})

describe('7.1, 7.2 of a Cluster', () => {
  it(
    'a master that is frozen is UNAVAILABLE, while the others go on',
    async () => {
      const prefix = newPrefix()
      const store = openStore({ nodes: cluster.addresses, prefix, deadline: 500 })
      await worksEverywhere(store)
      const [victim] = await cluster.masters()
      await victim?.freeze()
      const began = performance.now()
      const codes = await Promise.all(KEYS.map((key) => codeOf(() => store.read(key))))
      expect(performance.now() - began).toBeLessThan(2000)
      expect(new Set(codes)).toEqual(new Set(['none', 'UNAVAILABLE']))
      // The store has given that node up, and only that one.
      const again = await Promise.allSettled(KEYS.map((key) => store.read(key)))
      const errors = again.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []))
      expect(errors).toHaveLength(codes.filter((code) => code === 'UNAVAILABLE').length)
      expect(new Set(errors.map((error) => /127.0.0.1:\d+ of the redis store has not answered/.test(error)))).toEqual(
        new Set([true]),
      )
      victim?.thaw()
      await worksEverywhere(store)
    },
    FAILOVER_MS,
  )

  it.each([
    ['yes', 'every call fails, and the cause is CLUSTERDOWN', 'CLUSTERDOWN'],
    ['no', 'the sessions of the other masters go on', 'none'],
  ])(
    'where slots have no master and cluster-require-full-coverage is %s, %s',
    async (isRequired, _, code) => {
      const prefix = newPrefix()
      const store = openStore({ nodes: cluster.addresses, prefix, deadline: 500 })
      await Promise.all(KEYS.map((key) => succeed(store.create(key, ALICE))))
      const [victim, ...others] = await cluster.masters()
      const replica = victim && (await cluster.replicaOf(victim))
      if (victim === undefined || replica === undefined) throw new Error('expected a master with a replica')
      const directs = others.map(({ url }) => connect(url))
      const setCoverage = (value: string) =>
        Promise.all(directs.map((direct) => direct.config('SET', 'cluster-require-full-coverage', value)))
      onTestFinished(async () => {
        await setCoverage('yes')
        await Promise.all([victim.restart(), replica.restart()])
        await worksEverywhere(store)
      })
      await setCoverage(isRequired)
      const gone = new Set(await keysAt(victim.url))
      const kept = KEYS.filter((key) => !gone.has(prefix + key))
      await Promise.all([victim.kill(), replica.kill()])
      await until(async () => {
        const states = await Promise.all(directs.map((direct) => direct.cluster('INFO')))
        return states.every((state) => /cluster_slots_fail:[1-9]/.test(state))
      })
      // More often than a server that does not answer is asked.
      for (let round = 0; round < 8; round++)
        expect(await causesOf(kept.map((key) => store.read(key)))).toEqual(new Set([code]))
    },
    FAILOVER_MS,
  )

  it(
    'the connections that have become black holes are replaced',
    async () => {
      const { client, proxies } = await startBehindProxies()
      const store = openStore({ client, deadline: 500 })
      await worksEverywhere(store)
      await Promise.all(proxies.map((proxy) => proxy.set('blackhole')))
      expect(new Set(await Promise.all(KEYS.map((key) => codeOf(() => store.read(key)))))).toEqual(
        new Set(['UNAVAILABLE']),
      )
      await Promise.all(proxies.map((proxy) => proxy.set('none')))
      await worksEverywhere(store)
    },
    FAILOVER_MS,
  )

  it(
    'a master that is killed is followed by its replica, under traffic',
    async () => {
      const store = openStore({ nodes: cluster.addresses })
      const traffic = new Traffic(store)
      await traffic.flows()
      const [victim] = await cluster.masters()
      await victim?.kill()
      await traffic.flowsAgain()
      expect(await traffic.end()).toEqual([])
      await victim?.restart()
    },
    FAILOVER_MS,
  )

  it(
    'all nodes that are down are UNAVAILABLE, and written to later by nothing that failed',
    async () => {
      const prefix = newPrefix()
      const [used, fresh] = [0, 1].map(() => openStore({ nodes: cluster.addresses, prefix }))
      if (used === undefined || fresh === undefined) throw new Error('unreachable')
      await worksEverywhere(used)
      await Promise.all(cluster.nodes.map((node) => node.kill()))
      for (const store of [used, fresh]) {
        await writeInVain(store)
        for (let n = 0; n < 3; n++) await expectUnavailable(store)
      }
      await Promise.all(cluster.nodes.map((node) => node.restart()))
      for (const store of [used, fresh]) await worksEverywhere(store)
      // Had the store kept the failed writes, each would have been sent as a PING.
      expect(await pingsOf()).toBeLessThan(200)
      expect((await keysOf(prefix)).filter((key) => /vain|created/.test(key))).toEqual([])
    },
    FAILOVER_MS,
  )
})
