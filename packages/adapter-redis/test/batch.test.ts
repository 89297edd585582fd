import type { ServerStore } from '@sess/core/adapter'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../../scripts/servers/redis.js'
import { codeOf, entry, newPrefix, openStore, PATIENCE, RIGHTS, succeed } from './stores.ts'

/** More than go in one command, and not a multiple of it. */
const MANY = 61

let server: Awaited<ReturnType<typeof startRedis>>
let direct: Redis
let prefix: string
let store: ServerStore

beforeAll(async () => {
  server = await startRedis()
  direct = new Redis(server.url)
})

afterAll(async () => {
  direct.disconnect()
  await server.stop()
})

beforeEach(() => {
  prefix = newPrefix()
  store = openStore({ url: server.url, prefix })
})

const numbers = Array.from({ length: MANY }, (_, n) => n)
const entryOf = (n: number, text = '') => ({ ...entry, data: `{"n":${n}}${text}` })

/** How often the server was called meanwhile, by command. */
async function callsOf(act: () => Promise<unknown>): Promise<Record<string, number>> {
  await direct.config('RESETSTAT')
  await act()
  const stats = await direct.info('commandstats')
  const calls = stats.matchAll(/cmdstat_(get|mget|set|evalsha):calls=(\d+)/g)
  return Object.fromEntries([...calls].map(([, name = '', count]) => [name, Number(count)]))
}

async function createMany(): Promise<readonly string[]> {
  return Promise.all(numbers.map((n) => succeed(store.create(`key${n}`, entryOf(n)))))
}

describe('what is asked in one turn of the event loop', () => {
  it('is read in few commands, and each call is given its own entry', async () => {
    const versions = await createMany()
    let found: readonly unknown[] = []
    const calls = await callsOf(async () => {
      found = await Promise.all(numbers.map((n) => store.read(`key${n}`)))
    })
    expect(found).toEqual(numbers.map((n) => ({ ...entryOf(n), version: versions[n] })))
    expect(calls).toEqual({ get: 1, mget: 8 })
  })

  it('is written in few commands, and each call is given its own version', async () => {
    const versions = await createMany()
    let next: readonly (string | null)[] = []
    const calls = await callsOf(async () => {
      next = await Promise.all(numbers.map((n) => store.update(`key${n}`, entryOf(n, ' '), versions[n] ?? '')))
    })
    expect(new Set(next).size).toBe(MANY)
    // What a script calls counts as well.
    expect(calls).toEqual({ evalsha: 9, set: MANY })
    const found = await Promise.all(numbers.map((n) => store.read(`key${n}`)))
    expect(found).toEqual(numbers.map((n) => ({ ...entryOf(n, ' '), version: next[n] })))
  })

  it('is created in few commands, and nowhere twice', async () => {
    const taken = await succeed(store.create('key1', entryOf(-1)))
    const made = await Promise.all(numbers.map((n) => store.create(`key${n}`, entryOf(n))))
    expect(made.map((version) => version === null)).toEqual(numbers.map((n) => n === 1))
    expect(await store.read('key1')).toEqual({ ...entryOf(-1), version: taken })
    expect(await direct.keys(`${prefix}*`)).toHaveLength(MANY)
  })

  it('is refused where it is out of date, and nowhere else', async () => {
    const versions = await createMany()
    const isOld = (n: number) => n % 3 === 0
    const writes = numbers.map((n) =>
      store.update(`key${n}`, entryOf(n, ' '), isOld(n) ? 'x'.repeat(16) : (versions[n] ?? '')),
    )
    expect((await Promise.all(writes)).map((version) => version === null)).toEqual(numbers.map(isOld))
    const found = await Promise.all(numbers.map(async (n) => (await store.read(`key${n}`))?.data))
    expect(found).toEqual(numbers.map((n) => entryOf(n, isOld(n) ? '' : ' ').data))
  })

  it('has one winner of many writes to one entry', async () => {
    const version = await succeed(store.create('key', entry))
    const written = await Promise.all(numbers.map((n) => store.update('key', entryOf(n), version)))
    const winners = written.filter((next) => next !== null)
    expect(winners).toHaveLength(1)
    expect(await store.read('key')).toMatchObject({ version: winners[0] })
  })

  it('is CORRUPT where another type lies, missing where nothing does, and nowhere else', async () => {
    await createMany()
    await direct.del(`${prefix}key7`, `${prefix}key8`, `${prefix}key9`)
    await direct.lpush(`${prefix}key8`, 'an element')
    await direct.set(`${prefix}key9`, 'a text')
    const codes = await Promise.all(numbers.map((n) => codeOf(() => store.read(`key${n}`))))
    expect(codes).toEqual(numbers.map((n) => (n === 8 || n === 9 ? 'CORRUPT' : 'none')))
    const found = await Promise.all([0, 7, 10].map((n) => store.read(`key${n}`)))
    expect(found.map((one) => one?.data)).toEqual([entryOf(0).data, undefined, entryOf(10).data])
  })

  it('goes alone where it is long, since a long command costs more than several', async () => {
    const versions = await createMany()
    const calls = await callsOf(() =>
      Promise.all(numbers.map((n) => store.update(`key${n}`, entryOf(n, ' '.repeat(8192)), versions[n] ?? ''))),
    )
    expect(calls).toEqual({ evalsha: MANY, set: MANY })
  })

  it('is found by a server that has forgotten the script', async () => {
    const versions = await createMany()
    await direct.script('FLUSH')
    const next = await Promise.all(numbers.map((n) => store.update(`key${n}`, entryOf(n, ' '), versions[n] ?? '')))
    expect(next).not.toContain(null)
  })

  it("is asked under the key prefix of the application's own client", async () => {
    const client = new Redis(server.url, { keyPrefix: 'shop:', lazyConnect: true })
    store = openStore({ client, prefix })
    const versions = await createMany()
    await Promise.all(numbers.map((n) => store.update(`key${n}`, entryOf(n, ' '), versions[n] ?? '')))
    const found = await Promise.all(numbers.map(async (n) => (await store.read(`key${n}`))?.data))
    expect(found).toEqual(numbers.map((n) => entryOf(n, ' ').data))
    expect(await direct.keys(`shop:${prefix}*`)).toHaveLength(MANY)
  })
})

describe('where several keys in one command are refused, what is asked in one turn', () => {
  /** Creates, updates and reads all keys; resolves with the data that were found. */
  const askMany = async () => {
    const versions = await createMany()
    await Promise.all(numbers.map((n) => succeed(store.update(`key${n}`, entryOf(n, ' '), versions[n] ?? ''))))
    return Promise.all(numbers.map(async (n) => (await store.read(`key${n}`))?.data))
  }
  const expected = numbers.map((n) => entryOf(n, ' ').data)

  it('is asked key by key: of a Cluster of one server, behind its address', async () => {
    const cluster = await startRedis({ args: ['--cluster-enabled', 'yes'] })
    onTestFinished(() => cluster.stop())
    const admin = new Redis(cluster.url)
    onTestFinished(() => admin.disconnect())
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    await expect.poll(() => admin.cluster('INFO'), PATIENCE).toContain('cluster_state:ok')
    store = openStore({ url: cluster.url })
    expect(await askMany()).toEqual(expected)
  })

  it('is asked key by key: of a user without the right to MGET', async () => {
    const rights = RIGHTS.filter((right) => right.startsWith('+') && right !== '+mget')
    await direct.acl('SETUSER', 'alice', 'on', '>password', '~*', ...rights)
    store = openStore({ url: server.url, username: 'alice', password: 'password', prefix })
    expect(await askMany()).toEqual(expected)
  })
})
