import { setTimeout as sleep } from 'node:timers/promises'
import { type FaultProxy, startFaultProxy } from '@sess/conformance'
import { isSessError, type ServerStore } from '@sess/core/adapter'
import memcache from '@sess/adapter-memcache'
import redis from '@sess/adapter-redis'
import mysql from 'sess-adapter-mysql'
import postgres from 'sess-adapter-postgres'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startMariadb } from '../scripts/servers/mariadb.js'
import { startMemcached } from '../scripts/servers/memcached.js'
import { startPostgres } from '../scripts/servers/postgres.js'
import { startRedis } from '../scripts/servers/redis.js'
import { codeOf, entry, failureOf, numbers, openServerStore, SLACK, succeed } from './support/stores.ts'

/** Milliseconds: so long that a call that waits for it is told from one that does not, on any machine. */
const DEADLINE = 4000

type Server = { readonly port: number; readonly stop: () => Promise<void> }

const servers: readonly (readonly [
  name: string,
  start: () => Promise<Server>,
  openAt: (port: number) => ServerStore,
])[] = [
  ['redis', startRedis, (port) => openServerStore(redis, { url: `redis://127.0.0.1:${port}`, deadline: DEADLINE })],
  [
    'memcache',
    startMemcached,
    (port) => openServerStore(memcache, { servers: `127.0.0.1:${port}`, deadline: DEADLINE }),
  ],
  [
    'postgres',
    startPostgres,
    (port) => openServerStore(postgres, { url: `postgres://postgres@127.0.0.1:${port}/postgres`, deadline: DEADLINE }),
  ],
  [
    'mysql',
    startMariadb,
    (port) => openServerStore(mysql, { url: `mysql://root@127.0.0.1:${port}/test`, deadline: DEADLINE }),
  ],
]
const outages = ['refuse', 'blackhole', 'lose replies'] as const

/** The durations of calls that fail, one after the other, in milliseconds. */
async function durations(store: ServerStore, count: number): Promise<readonly number[]> {
  const took = []
  for (const n of numbers(count)) {
    const began = performance.now()
    expect(await codeOf(store.create(`new${n}`, entry('data')))).toBe('UNAVAILABLE')
    took.push(performance.now() - began)
  }
  return took
}

async function untilAnswered(store: ServerStore, proxy: FaultProxy): Promise<number> {
  await proxy.set('none')
  const began = performance.now()
  for (;;) {
    try {
      await store.read('key')
      return performance.now() - began
    } catch (error) {
      if (!isSessError(error) || error.code !== 'UNAVAILABLE') throw error
      await sleep(10)
    }
  }
}

describe.each(servers)('%s', (_, start, openAt) => {
  let server: Server
  beforeAll(async () => {
    server = await start()
  })
  afterAll(() => server.stop())

  /** A store in use, whose server has not answered its last calls. */
  async function givenUp(outage: (typeof outages)[number]) {
    const proxy = await startFaultProxy(server.port)
    onTestFinished(() => proxy.close())
    const store = openAt(proxy.port)
    await store.destroy('key')
    await succeed(store.create('key', entry('data')))
    await proxy.set(outage)
    // Apart from each other: what the first late one does to its connection ends the calls after it.
    await Promise.all(
      numbers(8).map(async (n) => {
        await sleep(n * 5)
        return codeOf(store.read('key'))
      }),
    )
    return { store, proxy }
  }
  it.each(outages)(
    'a server is given up after calls in a row that were not answered (%s), and the error says so',
    async (outage) => {
      const { store } = await givenUp(outage)
      expect((await failureOf(() => store.read('key'))).message).toMatch(/has not answered for \d+ s/)
    },
  )

  it.each(outages)('a server that is given up (%s) costs no call a deadline', async (outage) => {
    const { store } = await givenUp(outage)
    expect(Math.max(...(await durations(store, 50)))).toBeLessThan(DEADLINE / 4)
  })

  it.each(outages)('a server that is given up (%s) gets none of the writes, also not later', async (outage) => {
    const { store, proxy } = await givenUp(outage)
    await durations(store, 50)
    await untilAnswered(store, proxy)
    const found = await Promise.all(numbers(50).map((n) => store.read(`new${n}`)))
    expect(found.filter((stored) => stored !== null)).toEqual([])
  })

  it.each(outages)('a server that was given up (%s) is used within a second once it answers', async (outage) => {
    const { store, proxy } = await givenUp(outage)
    await durations(store, 10)
    expect(await untilAnswered(store, proxy)).toBeLessThan(1000 + SLACK)
  })
})
