import { frame, isSessError, newVersion, type ServerStore } from '@sess/core/adapter'
import type Memcached from 'memcached'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Memcached as Server, startMemcached } from '../../../scripts/servers/memcached.js'
import { entry, numbers, succeed } from '../../../tests/support/stores.ts'
import { getFrom, newClient, serversOf, setBy } from './support/client.ts'
import { newPrefix, openStore } from './support/stores.ts'
import { Wire } from './support/wire.ts'

const KEYS = numbers(100).map((n) => `key${n}`)

let own: readonly Server[] = []
beforeAll(async () => {
  own = await Promise.all(numbers(4).map(() => startMemcached()))
})
afterAll(() => Promise.all(own.map(({ stop }) => stop())))

const addresses = () => own.map(({ address }) => address)

const weights = () => Object.fromEntries(own.map(({ address }, n) => [address, n + 1]))

/** The servers that have a value under each key, as they themselves report it. */
async function serversThatHave(fullKeys: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const wires = await Promise.all(own.map(async ({ address, port }) => [address, await Wire.open(port)] as const))
  const found = new Map<string, string[]>()
  for (const fullKey of fullKeys) {
    const its: string[] = []
    for (const [address, wire] of wires) if ((await wire.ask(`get ${fullKey}`, 'END')).length > 1) its.push(address)
    found.set(fullKey, its)
  }
  return found
}

async function expectShared(client: Memcached, store: ServerStore, prefix: string): Promise<void> {
  for (const key of KEYS) {
    await setBy(client, `${prefix}${key}`, frame(entry(key), newVersion()))
    expect(await store.read(key)).toMatchObject(entry(key))
    await succeed(store.create(`${key}-new`, entry(`${key}-new`)))
    expect(await getFrom(client, `${prefix}${key}-new`)).toMatch(new RegExp(`:${key}-new$`))
  }
}

describe('servers shared with a client of the npm package memcached', () => {
  it('have each key where that client looks for it, if both have the same list', async () => {
    const prefix = newPrefix()
    const { client } = newClient(addresses())
    await expectShared(client, openStore({ servers: addresses(), prefix }), prefix)
    const fullKeys = KEYS.map((key) => prefix + key)
    const expected = serversOf(client, fullKeys)
    expect(new Set(expected.values()).size).toBe(own.length)
    const found = await serversThatHave(fullKeys)
    expect([...found]).toEqual(fullKeys.map((key) => [key, [expected.get(key)]]))
  })

  it.each([
    ['a list of servers', addresses, {}],
    ['one server', () => own[0]?.address, {}],
    ['weights', weights, {}],
    ['ring options', addresses, { algorithm: 'sha1', compatibility: 'hash_ring' }],
    ['weights and ring options', weights, { algorithm: 'sha256', compatibility: 'hash_ring' }],
    ['options of other kinds', addresses, { poolSize: 2, maxKeySize: 50, remove: true }],
  ])(
    'have each key where that client looks for it, if the store is given a client with %s',
    async (_, servers, options) => {
      const prefix = newPrefix()
      const { client } = newClient(servers(), options)
      await expectShared(client, openStore({ client, prefix }), prefix)
    },
  )

  it('have some keys elsewhere if the client has weights that the store was not given', async () => {
    const prefix = newPrefix()
    const { client } = newClient(weights())
    const store = openStore({ servers: addresses(), prefix })
    for (const key of KEYS) await succeed(store.create(key, entry(key)))
    const found = []
    for (const key of KEYS) found.push(await getFrom(client, prefix + key))
    expect(found).toContain(undefined)
  })
})

describe('a client that is passed in', () => {
  it('7.5 is never used, neither to connect nor to send, and is not closed', async () => {
    const { client, calls } = newClient(addresses())
    const store = openStore({ client })
    for (const key of KEYS) {
      const version = await succeed(store.create(key, entry(key)))
      await store.read(key)
      await succeed(store.update(key, entry('next'), version))
      await store.destroy(key)
    }
    await store.close()
    expect(calls).toEqual([])
    expect(Reflect.get(client, 'connections')).toEqual({})
  })

  it('does not lend its namespace: the prefix of the store begins every key', async () => {
    const prefix = newPrefix()
    const { client } = newClient(addresses(), { namespace: 'shop:' })
    const store = openStore({ client, prefix })
    await succeed(store.create('key', entry('data')))
    const [its, namespaced] = (await serversThatHave([`${prefix}key`, `shop:${prefix}key`])).values()
    expect(its).toHaveLength(1)
    expect(namespaced).toEqual([])
  })

  it('may change its list of servers later, and the store does not', async () => {
    const list = addresses()
    const { client } = newClient(list)
    const store = openStore({ client })
    for (const key of KEYS) await succeed(store.create(key, entry(key)))
    list.splice(0, 2)
    for (const key of KEYS) expect(await store.read(key)).toMatchObject(entry(key))
  })

  it.each([
    ['removes', {}],
    ['replaces', { failOverServers: ['127.0.0.1:1'] }],
  ])('4.5 moves no key of the store when it %s a server that failed', async (_, options) => {
    const three = await Promise.all(numbers(3).map(() => startMemcached()))
    try {
      const list = three.map(({ address }) => address)
      const { client } = newClient(list, { remove: true, failures: 0, timeout: 300, ...options })
      const prefix = newPrefix()
      const store = openStore({ client, prefix, deadline: 5000 })
      const fullKeys = KEYS.map((key) => prefix + key)
      const before = serversOf(client, fullKeys)
      for (const key of KEYS) await succeed(store.create(key, entry(key)))
      const [failed] = three
      await failed?.kill()
      const removed = new Promise((resolve) => client.on('remove', resolve))
      for (const key of fullKeys) await getFrom(client, key).catch(() => undefined)
      await removed
      expect(serversOf(client, fullKeys)).not.toEqual(before)

      for (const key of KEYS) {
        const outcome = await store.read(key).catch((error: unknown) => (isSessError(error) ? error.code : 'another'))
        if (before.get(prefix + key) === failed?.address) expect(outcome).toBe('UNAVAILABLE')
        else expect(outcome).toMatchObject(entry(key))
      }
      // Another process could not know what this client has lost, so its ring is no longer used.
      expect(() => openStore({ client })).toThrow(
        'Option memcache.client is an object; expected a client that has not removed or replaced a server.',
      )
    } finally {
      await Promise.all(three.map(({ stop }) => stop()))
    }
  })
})
