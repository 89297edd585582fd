import memcache, { type MemcacheOptions } from '@sess/adapter-memcache'
import { sessions } from '@sess/core'
import type { Finding } from '@sess/core/adapter'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { SECRET } from '../../../tests/support/stores.ts'
import { Relay } from './support/relay.ts'
import { ownServer, sharedServer } from './support/server.ts'
import { Wire } from './support/wire.ts'

const shared = sharedServer()
const another = sharedServer()

afterEach(() => void vi.useRealTimers())

/** What an application is told about its store. */
async function check(options: MemcacheOptions): Promise<readonly Finding[]> {
  const sess = sessions(memcache, { secret: SECRET, owner: 'userId', deadline: 5000, ...options })
  onTestFinished(() => sess.close())
  const found = await sess.check()
  for (const { message } of found) expect(message).not.toMatch(/\n|undefined|NaN/)
  return found
}

function told(code: string, severity: Finding['severity'], address: string, text: string): Finding {
  return { code, severity, message: expect.stringMatching(new RegExp(`^memcached at ${address} .*${text}`)) }
}

/** The address of a server that has been killed. */
async function deadAddress(): Promise<string> {
  const server = await ownServer()
  await server.kill()
  return server.address
}

it('check says nothing of a server that is set up well, and leaves nothing there', async () => {
  const { address, port } = await ownServer()
  expect(await check({ servers: address })).toEqual([])
  expect(await (await Wire.open(port)).stat('curr_items')).toBe(0)
})

it('check says nothing of several servers that are set up well', async () => {
  expect(await check({ servers: [shared.address, another.address] })).toEqual([])
})

it('check says UNAVAILABLE if nothing listens', async () => {
  const address = await deadAddress()
  const message = `The memcache store failed: connect ECONNREFUSED ${address}. Nothing listens there: start the server, or correct the address.`
  expect(await check({ servers: address })).toEqual([{ code: 'UNAVAILABLE', severity: 'error', message }])
})

it('check says MEMCACHE_SERVER of each of several servers that nothing listens at', async () => {
  const dead = [await deadAddress(), await deadAddress()]
  const found = await check({ servers: [shared.address, ...dead] })
  const expected = dead.map((address) =>
    told('MEMCACHE_SERVER', 'error', address, 'does not answer \\(ECONNREFUSED\\)'),
  )
  expect(found.filter(({ code }) => code !== 'UNAVAILABLE')).toEqual(expected)
})

it('check says MEMCACHE_SERVER of one of several servers that is frozen', async () => {
  const server = await ownServer()
  await server.freeze()
  const found = await check({ servers: [shared.address, server.address], deadline: 1000 })
  expect(found).toContainEqual(told('MEMCACHE_SERVER', 'error', server.address, 'does not answer \\(ETIMEDOUT\\)'))
})

it('check says MEMCACHE_CAS of a server without compare-and-swap', async () => {
  const { address } = await ownServer('-C')
  expect(await check({ servers: address })).toEqual([
    expect.objectContaining({ code: 'UNAVAILABLE', message: expect.stringContaining('Start it without -C.') }),
    told('MEMCACHE_CAS', 'error', address, 'Start it without -C'),
  ])
})

it('check says MEMCACHE_ITEM_SIZE of a server that takes less than maxBytes', async () => {
  const { address } = await ownServer('-I', '512k')
  const expected = told('MEMCACHE_ITEM_SIZE', 'warning', address, 'maxBytes is 700000')
  expect(await check({ servers: address, maxBytes: 700_000 })).toEqual([expected])
  expect(await check({ servers: address })).toEqual([])
})

it('check says nothing of the largest maxBytes on a server with the default limit', async () => {
  expect(await check({ servers: shared.address, maxBytes: 1_048_000 })).toEqual([])
})

it('check says MEMCACHE_EVICTION of a server that has evicted', async () => {
  const { address, port } = await ownServer('-m', '4')
  const wire = await Wire.open(port)
  for (const n of Array.from({ length: 40 }).keys()) await wire.put(`cache${n}`, 'x'.repeat(200_000))
  expect(await check({ servers: address })).toEqual([
    told('MEMCACHE_EVICTION', 'error', address, 'has evicted \\d+ entries'),
  ])
})

it.each([
  ['ahead', 60],
  ['behind', -60],
])('check says MEMCACHE_CLOCK if the clock of this machine is %s', async (_, seconds) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 })
  const found = await check({ servers: shared.address })
  expect(found).toEqual([
    told('MEMCACHE_CLOCK', 'warning', shared.address, "differs from this machine's by -?(?:5[89]|60) s"),
  ])
})

it('check says MEMCACHE_UNSEEN of a proxy that does not pass stats on', async () => {
  const relay = await Relay.start(shared.port)
  relay.onReply = (bytes, store) => store.write(bytes.toString('latin1').startsWith('STAT') ? 'ERROR\r\n' : bytes)
  expect(await check({ servers: relay.address })).toEqual([
    told('MEMCACHE_UNSEEN', 'warning', relay.address, 'does not answer to stats'),
  ])
})
