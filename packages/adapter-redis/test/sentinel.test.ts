import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startSentinels } from '../../../scripts/servers/redis.js'
import { startFaultProxy } from '../../conformance/src/faults/proxy.ts'
import { ALICE, codeOf, failureOf, succeed, works } from '../../../tests/support/stores.ts'
import { expectOwners } from './owners.ts'
import { connect } from './server.ts'
import {
  expectAllAllowed,
  expectUnavailable,
  FAILOVER_MS,
  keysAt,
  newPrefix,
  openStore,
  pingsAt,
  RIGHTS,
  writeInVain,
} from './stores.ts'
import { Traffic } from './traffic.ts'

let group: Awaited<ReturnType<typeof startSentinels>>

beforeAll(async () => {
  group = await startSentinels()
})

afterAll(() => group.stop())

it('finds the master', async () => {
  const store = openStore({ sentinels: group.sentinels, name: group.name })
  await expectAllAllowed(store)
})

it('needs no rights of the user but those on the page', async () => {
  const direct = connect(group.master().url)
  await direct.call('ACL', 'SETUSER', 'alice', 'on', '>password', ...RIGHTS, '+info')
  const login = { username: 'alice', password: 'password' }
  const store = openStore({ sentinels: group.sentinels, name: group.name, ...login, prefix: 'sess:' })
  await expectAllAllowed(store)
  expect(await direct.call('ACL', 'LOG')).toEqual([])
})

it('lists and revokes the sessions of a user', async () => {
  const prefix = newPrefix()
  const open = () => openStore({ sentinels: group.sentinels, name: group.name, prefix })
  await expectOwners([open(), open()], 100)
})

it('says that no sentinel knows a master of that name', async () => {
  const store = openStore({ sentinels: group.sentinels, name: 'another' })
  const error = await failureOf(() => store.read('key'))
  expect(error).toMatchObject({ code: 'UNAVAILABLE', cause: { code: 'NO_MASTER' } })
  for (let n = 0; n < 5; n++) await expectUnavailable(store)
})

it('takes a client of such a master', async () => {
  const client = new Redis({
    sentinels: group.sentinels,
    name: group.name,
    keyPrefix: 'application:',
    lazyConnect: true,
  })
  const store = openStore({ client })
  const version = await succeed(store.create('key', ALICE))
  expect(await store.read('key')).toEqual({ ...ALICE, version })
})

it('7.1, 7.2, 7.4 waits for sentinels that are down, while what fails meanwhile is not done later', async () => {
  const proxies = await Promise.all(group.sentinels.map(({ port }) => startFaultProxy(port)))
  onTestFinished(async () => void (await Promise.all(proxies.map((proxy) => proxy.close()))))
  await Promise.all(proxies.map((proxy) => proxy.set('refuse')))
  const before = await pingsAt(group.master().url)
  const prefix = newPrefix()
  const store = openStore({ sentinels: proxies.map(({ host, port }) => ({ host, port })), name: group.name, prefix })
  await writeInVain(store)
  for (let n = 0; n < 3; n++) await expectUnavailable(store)
  await Promise.all(proxies.map((proxy) => proxy.set('none')))
  await works(store)
  expect((await keysAt(group.master().url)).filter((key) => key.startsWith(prefix))).toEqual([])
  // The sentinels and the replica send a few.
  expect((await pingsAt(group.master().url)) - before).toBeLessThan(200)
})

it('7.5 makes no connection once it is closed', async () => {
  const [sentinel] = group.sentinels
  if (sentinel === undefined) throw new Error('unreachable')
  const direct = new Redis({ ...sentinel, enableReadyCheck: false })
  onTestFinished(() => direct.disconnect())
  const connections = async () => /total_connections_received:\d+/.exec(await direct.info('stats'))?.[0]
  const proxy = await startFaultProxy(sentinel.port)
  onTestFinished(() => proxy.close())
  await proxy.set('refuse')
  const store = openStore({ sentinels: [{ host: proxy.host, port: proxy.port }], name: group.name })
  expect(await codeOf(() => store.read('key'))).toBe('UNAVAILABLE')
  // It now waits before it tries again.
  await sleep(20)
  await store.close()
  const before = await connections()
  await proxy.set('none')
  await sleep(500)
  expect(await connections()).toBe(before)
})

it('does not read from what the sentinels name and is a replica', async () => {
  const other = await startSentinels()
  onTestFinished(() => other.stop())
  await connect(other.master().url).replicaof('127.0.0.1', other.replica().port)
  const store = openStore({ sentinels: other.sentinels, name: other.name })
  expect(await codeOf(() => store.read('key'))).toBe('UNAVAILABLE')
})

it(
  '7.1, 7.2, 7.4 goes over to the new master, under traffic',
  async () => {
    const store = openStore({ sentinels: group.sentinels, name: group.name })
    const traffic = new Traffic(store)
    await traffic.flows()
    await group.master().kill()
    await traffic.flowsAgain()
    expect(await traffic.end()).toEqual([])
    await works(store)
  },
  FAILOVER_MS,
)
