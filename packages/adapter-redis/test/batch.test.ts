import type { ServerStore } from '@sess/core/adapter'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { ALICE, codeOf, entry, numbers, succeed } from '../../../tests/support/stores.ts'
import { connect, ownServer, SharedServer } from './server.ts'
import { openStore, PATIENCE, RIGHTS } from './stores.ts'

/** More than one command takes, and not a multiple of it. */
const MANY = 61
const ALL = numbers(MANY)

const shared = new SharedServer()

const entryOf = (n: number, text = '') => entry(`{"n":${n}}${text}`)

/** How often the server executed each command during `act`. */
async function commandsOf(act: () => Promise<unknown>): Promise<Record<string, number>> {
  await shared.direct.config('RESETSTAT')
  await act()
  const stats = await shared.direct.info('commandstats')
  const calls = stats.matchAll(/cmdstat_(get|mget|set|evalsha):calls=(\d+)/g)
  return Object.fromEntries([...calls].map(([, name = '', count]) => [name, Number(count)]))
}

async function createMany(store = shared.store): Promise<readonly string[]> {
  return Promise.all(ALL.map((n) => succeed(store.create(`key${n}`, entryOf(n)))))
}

describe('what is asked in one turn of the event loop', () => {
  it('is read in few commands, and each call is given its own entry', async () => {
    const versions = await createMany()
    let found: readonly unknown[] = []
    const calls = await commandsOf(async () => {
      found = await Promise.all(ALL.map((n) => shared.store.read(`key${n}`)))
    })
    expect(found).toEqual(ALL.map((n) => ({ ...entryOf(n), version: versions[n] })))
    expect(calls).toEqual({ get: 1, mget: 8 })
  })

  it('is written in few commands, and each call is given its own version', async () => {
    const versions = await createMany()
    let next: readonly (string | null)[] = []
    const calls = await commandsOf(async () => {
      next = await Promise.all(ALL.map((n) => shared.store.update(`key${n}`, entryOf(n, ' '), versions[n] ?? '')))
    })
    expect(new Set(next).size).toBe(MANY)
    // The server also counts the commands that a script calls.
    expect(calls).toEqual({ evalsha: 9, set: MANY })
    const found = await Promise.all(ALL.map((n) => shared.store.read(`key${n}`)))
    expect(found).toEqual(ALL.map((n) => ({ ...entryOf(n, ' '), version: next[n] })))
  })

  it('is created in few commands, and nowhere twice', async () => {
    const taken = await succeed(shared.store.create('key1', entryOf(-1)))
    const made = await Promise.all(ALL.map((n) => shared.store.create(`key${n}`, entryOf(n))))
    expect(made.map((version) => version === null)).toEqual(ALL.map((n) => n === 1))
    expect(await shared.store.read('key1')).toEqual({ ...entryOf(-1), version: taken })
    expect(await shared.direct.keys(`${shared.prefix}*`)).toHaveLength(MANY)
  })

  it('is refused where it is out of date, and nowhere else', async () => {
    const versions = await createMany()
    const isOld = (n: number) => n % 3 === 0
    const writes = ALL.map((n) =>
      shared.store.update(`key${n}`, entryOf(n, ' '), isOld(n) ? 'x'.repeat(16) : (versions[n] ?? '')),
    )
    expect((await Promise.all(writes)).map((version) => version === null)).toEqual(ALL.map(isOld))
    const found = await Promise.all(ALL.map(async (n) => (await shared.store.read(`key${n}`))?.data))
    expect(found).toEqual(ALL.map((n) => entryOf(n, isOld(n) ? '' : ' ').data))
  })

  it('has one winner of many writes to one entry', async () => {
    const version = await succeed(shared.store.create('key', ALICE))
    const written = await Promise.all(ALL.map((n) => shared.store.update('key', entryOf(n), version)))
    const winners = written.filter((next) => next !== null)
    expect(winners).toHaveLength(1)
    expect(await shared.store.read('key')).toMatchObject({ version: winners[0] })
  })

  it('is CORRUPT where another type lies, missing where nothing does, and nowhere else', async () => {
    await createMany()
    await shared.direct.del(`${shared.prefix}key7`, `${shared.prefix}key8`, `${shared.prefix}key9`)
    await shared.direct.lpush(`${shared.prefix}key8`, 'an element')
    await shared.direct.set(`${shared.prefix}key9`, 'a text')
    const codes = await Promise.all(ALL.map((n) => codeOf(() => shared.store.read(`key${n}`))))
    expect(codes).toEqual(ALL.map((n) => (n === 8 || n === 9 ? 'CORRUPT' : 'none')))
    const found = await Promise.all([0, 7, 10].map((n) => shared.store.read(`key${n}`)))
    expect(found.map((one) => one?.data)).toEqual([entryOf(0).data, undefined, entryOf(10).data])
  })

  it('is sent alone if it is long, since a long command costs more than several short ones', async () => {
    const versions = await createMany()
    const calls = await commandsOf(() =>
      Promise.all(ALL.map((n) => shared.store.update(`key${n}`, entryOf(n, ' '.repeat(8192)), versions[n] ?? ''))),
    )
    expect(calls).toEqual({ evalsha: MANY, set: MANY })
  })

  it('is found by a server that has forgotten the script', async () => {
    const versions = await createMany()
    await shared.direct.script('FLUSH')
    const next = await Promise.all(ALL.map((n) => shared.store.update(`key${n}`, entryOf(n, ' '), versions[n] ?? '')))
    expect(next).not.toContain(null)
  })

  it("is asked under the key prefix of the application's own client", async () => {
    const client = new Redis(shared.url, { keyPrefix: 'shop:', lazyConnect: true })
    const store = openStore({ client, prefix: shared.prefix })
    const versions = await createMany(store)
    await Promise.all(ALL.map((n) => store.update(`key${n}`, entryOf(n, ' '), versions[n] ?? '')))
    const found = await Promise.all(ALL.map(async (n) => (await store.read(`key${n}`))?.data))
    expect(found).toEqual(ALL.map((n) => entryOf(n, ' ').data))
    expect(await shared.direct.keys(`shop:${shared.prefix}*`)).toHaveLength(MANY)
  })
})

describe('where several keys in one command are refused, what is asked in one turn', () => {
  /** Creates, updates and reads all keys. Resolves with the data that it read. */
  const askMany = async (store: ServerStore) => {
    const versions = await createMany(store)
    await Promise.all(ALL.map((n) => succeed(store.update(`key${n}`, entryOf(n, ' '), versions[n] ?? ''))))
    return Promise.all(ALL.map(async (n) => (await store.read(`key${n}`))?.data))
  }
  const expected = ALL.map((n) => entryOf(n, ' ').data)

  it('is asked key by key: of a Cluster of one server, behind its address', async () => {
    const cluster = await ownServer('--cluster-enabled', 'yes')
    const admin = connect(cluster.url)
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    await expect.poll(() => admin.cluster('INFO'), PATIENCE).toContain('cluster_state:ok')
    const store = openStore({ url: cluster.url })
    expect(await askMany(store)).toEqual(expected)
  })

  it('is asked key by key: of a user without the right to MGET', async () => {
    const rights = RIGHTS.filter((right) => right.startsWith('+') && right !== '+mget')
    await shared.direct.acl('SETUSER', 'alice', 'on', '>password', '~*', ...rights)
    const store = openStore({ url: shared.url, username: 'alice', password: 'password', prefix: shared.prefix })
    expect(await askMany(store)).toEqual(expected)
  })
})
