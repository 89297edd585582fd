import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type FaultProxy, startFaultProxy } from '../../conformance/src/faults/proxy.ts'
import { ALICE, codeOf, entry, succeed, works } from '../../../tests/support/stores.ts'
import { ownServer, type Server } from './server.ts'
import { block, expectUnavailable, keysAt, newPrefix, openStore, pingsAt, writeInVain } from './stores.ts'

async function startBehindProxy(): Promise<{ server: Server; proxy: FaultProxy; url: string }> {
  const server = await ownServer()
  const proxy = await startFaultProxy(server.port)
  onTestFinished(() => proxy.close())
  return { server, proxy, url: `redis://${proxy.address}` }
}

describe('7.1, 7.2 a server', () => {
  it('that is started after the application', async () => {
    const server = await ownServer()
    await server.kill()
    const store = openStore({ url: server.url })
    for (let n = 0; n < 5; n++) await expectUnavailable(store)
    await server.restart()
    await works(store)
    await succeed(store.create('key', ALICE))
  })

  it('that is killed and restarted', async () => {
    const server = await ownServer()
    const store = openStore({ url: server.url })
    await succeed(store.create('key', ALICE))
    await server.kill()
    for (let n = 0; n < 3; n++) await expectUnavailable(store)
    await server.restart()
    await works(store)
    expect(await store.read('key')).toBeNull()
  })

  it('that is restarted between two calls: neither fails', async () => {
    const server = await ownServer()
    const store = openStore({ url: server.url, deadline: 5000 })
    await succeed(store.create('key', ALICE))
    await server.restart()
    // The store has learned that its attempt to connect failed while the server was down.
    await sleep(50)
    expect(await store.read('key')).toBeNull()
  })

  it('that freezes and thaws', async () => {
    const server = await ownServer()
    const store = openStore({ url: server.url, deadline: 500 })
    await succeed(store.create('key', ALICE))
    await server.freeze()
    for (let n = 0; n < 4; n++) await expectUnavailable(store)
    server.thaw()
    await works(store)
    expect(await store.read('key')).toMatchObject(ALICE)
  })

  it('that cannot be connected to in time', async () => {
    const { proxy, url } = await startBehindProxy()
    const store = openStore({ url, deadline: 300 })
    await proxy.set('blackhole')
    for (let n = 0; n < 3; n++) await expectUnavailable(store)
    await proxy.set('none')
    await works(store)
  })

  it('whose connection has become a black hole, while more and more is asked of it', async () => {
    const { proxy, url } = await startBehindProxy()
    const store = openStore({ url, deadline: 500 })
    await succeed(store.create('key', ALICE))
    await proxy.set('blackhole')
    const lost = Array.from({ length: 35 }, async (_, n) => {
      await sleep(20 * n)
      return codeOf(() => store.read('key'))
    })
    await sleep(600)
    await proxy.set('none')
    await works(store)
    expect(await Promise.all(lost)).toContain('UNAVAILABLE')
    expect(await store.read('key')).toMatchObject(ALICE)
  })

  it('that answers too late, but does answer', async () => {
    const { proxy, url } = await startBehindProxy()
    const store = openStore({ url, deadline: 300 })
    await succeed(store.create('key', ALICE))
    await proxy.set({ delay: 400 })
    for (let n = 0; n < 3; n++) await expectUnavailable(store)
    await proxy.set('none')
    await works(store)
    expect(await store.read('key')).toMatchObject(ALICE)
  })
})

/** Starts a proxy whose first connection delivers at most 10 kB a second. Resolves with its port. */
async function startTrickle(port: number): Promise<number> {
  let isFirst = true
  const trickle = createServer((client) => {
    const server = connect(port, '127.0.0.1')
    for (const socket of [client, server]) socket.on('error', () => {})
    client.pipe(server)
    if (!isFirst) {
      server.pipe(client)
      return
    }
    isFirst = false
    let rest = Buffer.alloc(0)
    server.on('data', (chunk: Buffer) => (rest = Buffer.concat([rest, chunk])))
    const timer = setInterval(() => {
      if (rest.length > 0) client.write(rest.subarray(0, 100))
      rest = rest.subarray(100)
    }, 10)
    client.on('close', () => clearInterval(timer))
  })
  trickle.listen(0, '127.0.0.1')
  onTestFinished(() => void trickle.close())
  await once(trickle, 'listening')
  const address = trickle.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

it('7.1 an answer that comes bit by bit is waited for by its own call, and by no other', async () => {
  const server = await ownServer()
  const store = openStore({ url: `redis://127.0.0.1:${await startTrickle(server.port)}`, deadline: 500 })
  await succeed(store.create('large', entry('x'.repeat(500_000))))
  expect(await codeOf(() => store.read('large'))).toBe('UNAVAILABLE')
  await works(store)
})

describe('7.4 writes that fail because the server', () => {
  it('is down leave nothing when it is back', async () => {
    const server = await ownServer()
    await server.kill()
    const store = openStore({ url: server.url })
    await writeInVain(store)
    await server.restart()
    await works(store)
    expect(await keysAt(server.url)).toEqual([])
    // Had the store kept the failed writes, each would have been sent as a PING.
    expect(await pingsAt(server.url)).toBeLessThan(200)
  })

  it('is frozen, and was never connected to, leave nothing when it thaws', async () => {
    const server = await ownServer()
    await server.freeze()
    const store = openStore({ url: server.url, deadline: 300 })
    await writeInVain(store)
    server.thaw()
    await works(store)
    expect(await keysAt(server.url)).toEqual([])
  })

  it('could be connected to only after the deadline leave nothing', async () => {
    const server = await ownServer()
    const store = openStore({ url: server.url, deadline: 200 })
    const writes = writeInVain(store)
    block(300)
    await writes
    await works(store)
    expect(await keysAt(server.url)).toEqual([])
  })
})

describe('7.4 a write whose reply is lost', () => {
  it.each(['lose replies', 'cut replies'] as const)('(%s) is UNAVAILABLE, and done once at most', async (fault) => {
    const { server, proxy, url } = await startBehindProxy()
    const prefix = newPrefix()
    const store = openStore({ url, prefix })
    const witness = openStore({ url: server.url, prefix })
    await succeed(store.create('counter', entry('0')))
    const outcomes: string[] = []
    for (let n = 0; n < 12; n++) {
      const found = await witness.read('counter')
      if (found === null) throw new Error('the counter is gone')
      const next = entry(`${Number(found.data) + 1}`)
      if (n % 2 === 0) await proxy.set(fault)
      outcomes.push(await codeOf(async () => succeed(store.update('counter', next, found.version))))
      await proxy.set('none')
      await works(store)
    }
    expect(outcomes).toEqual(Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? 'UNAVAILABLE' : 'none')))
    const total = Number((await witness.read('counter'))?.data)
    expect(total).toBeGreaterThanOrEqual(6)
    expect(total).toBeLessThanOrEqual(12)
  })

  it('never looks like a taken key', async () => {
    const { server, proxy, url } = await startBehindProxy()
    const prefix = newPrefix()
    const store = openStore({ url, prefix })
    const witness = openStore({ url: server.url, prefix })
    await works(store)
    await proxy.set('lose replies')
    expect(await codeOf(() => store.create('key', ALICE))).toBe('UNAVAILABLE')
    await proxy.set('none')
    expect(await witness.read('key')).toMatchObject(ALICE)
  })
})
