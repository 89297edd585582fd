import { startFaultProxy } from '@sess/conformance'
import type { Adapter, Entry, ServerStore } from '@sess/core/adapter'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ALICE, codeOf, entry, failureOf, openServerStore, SLACK, works } from './stores.ts'

/** The options that the stores on SQL databases have in common. */
interface SqlOptions<Pool> {
  readonly url?: string
  readonly connections?: number
  readonly pool?: Pool
  readonly table?: string
  readonly deadline?: number
  readonly maxBytes?: number
}

interface SqlServer {
  /** `host:port` */
  readonly address: string
  readonly url: string
  readonly freeze: () => Promise<void>
  readonly thaw: () => void
  readonly stop: () => Promise<void>
}

/** A database and its client, as these tests use them beside the store. */
interface Database<Pool, Server extends SqlServer> {
  readonly adapter: Adapter<SqlOptions<Pool>>
  readonly start: () => Promise<Server>
  /** Opens a pool of at most that many connections. */
  readonly openPool: (url: string, connections: number) => Pool
  readonly closePool: (pool: Pool) => Promise<void>
  readonly rowsOf: (pool: Pool, sql: string) => Promise<readonly object[]>
  /** Takes a connection from the pool. The function that it resolves with returns the connection. */
  readonly borrow: (pool: Pool) => Promise<() => void>
  /** Locks a table until the function that it resolves with is called, or the test ends. */
  readonly lock: (pool: Pool, table: string) => Promise<() => Promise<void>>
  /** Ends all connections to the server except those of the pool. */
  readonly endOthers: (pool: Pool) => Promise<unknown>
  /** Selects a row for each statement that waits for a lock of a table. */
  readonly waiting: string
  /** Selects a row for each connection except the one that asks. */
  readonly others: string
  /** The longest data that a statement can carry, in bytes. */
  readonly longest: number
}

/** How long what a server shows about itself is waited for. InnoDB renews some of it only every 100 ms. */
export const PATIENTLY = { timeout: 10_000, interval: 200 }

/** A server for the tests of one file, and stores on it. */
export interface SqlPlace<Pool, Server extends SqlServer> {
  readonly database: Database<Pool, Server>
  readonly server: () => Server
  /** A pool of the tests' own. */
  readonly direct: () => Pool
  readonly rowsOf: (sql: string) => Promise<readonly object[]>
  /** The name of a table that no test has used. */
  readonly newTable: () => string
  /** Opens a store on the server, on a new table unless `table` names one. Closes it when the test ends. */
  readonly openStore: (options?: SqlOptions<Pool>) => ServerStore
  /** Opens a pool, and closes it when the test ends. */
  readonly newPool: (connections: number) => Pool
}

/** Starts the server before the tests of the file, and stops it after them. */
export function sqlPlace<Pool, Server extends SqlServer>(database: Database<Pool, Server>): SqlPlace<Pool, Server> {
  let running: { readonly server: Server; readonly direct: Pool } | undefined
  let tables = 0
  beforeAll(async () => {
    const server = await database.start()
    running = { server, direct: database.openPool(server.url, 10) }
  })
  afterAll(async () => {
    if (running === undefined) return
    await database.closePool(running.direct)
    await running.server.stop()
  })

  function get() {
    if (running === undefined) throw new Error('The server starts before the first test.')
    return running
  }
  const server = () => get().server
  const direct = () => get().direct
  const newTable = () => `test${++tables}`

  return {
    database,
    server,
    direct,
    newTable,
    rowsOf: (sql) => database.rowsOf(direct(), sql),
    openStore: (options = {}) =>
      openServerStore(database.adapter, {
        ...(options.pool === undefined && { url: server().url }),
        table: newTable(),
        deadline: 20_000,
        ...options,
      }),
    newPool(connections) {
      const pool = database.openPool(server().url, connections)
      onTestFinished(() => database.closePool(pool))
      return pool
    },
  }
}

/** What holds for a store on any SQL database. */
export function testSqlStore<Pool, Server extends SqlServer>(place: SqlPlace<Pool, Server>): void {
  const { database, server, direct, rowsOf, newTable, openStore, newPool } = place

  /** A proxy in front of the server, and the URL that leads to it. */
  async function newProxy() {
    const { address, url } = server()
    const proxy = await startFaultProxy(address)
    onTestFinished(() => proxy.close())
    return { proxy, url: url.replace(address, proxy.address) }
  }

  /** A pool of one connection, a store on it whose calls end soon, and the rows of its table. */
  async function oneConnection() {
    const [pool, table] = [newPool(1), newTable()]
    await openStore({ pool, table }).read('any')
    const rows = () => database.rowsOf(pool, `SELECT version FROM ${table}`)
    return { pool, rows, store: openStore({ pool, table, deadline: 100 }) }
  }

  describe('the table', () => {
    it('is created once, even if several stores create it at the same moment', async () => {
      const pools = Array.from({ length: 6 }, () => newPool(1))
      for (let round = 0; round < 3; round++) {
        const table = newTable()
        // Connect all of them first, so that they create the table at the same moment.
        await Promise.all(pools.map((pool) => database.rowsOf(pool, 'SELECT 1')))
        const stores = pools.map((pool) => openStore({ pool, table }))
        const versions = await Promise.all(stores.map((store) => store.create('key', ALICE)))
        expect(versions.filter((version) => version !== null)).toHaveLength(1)
      }
    })

    it('is created again after it was dropped', async () => {
      const table = newTable()
      const store = openStore({ table, connections: 1 })
      await store.create('key', ALICE)
      await rowsOf(`DROP TABLE ${table}`)
      expect(await store.read('key')).toBeNull()
      expect(await store.create('key', ALICE)).not.toBeNull()
    })
  })

  describe('a connection', () => {
    it('that dies while it is idle fails nothing', async () => {
      const store = openStore()
      await store.create('key', ALICE)
      await database.endOthers(direct())
      await works(store)
      expect(await store.read('key')).toMatchObject(ALICE)
    })

    it('that dies while it is in use fails the call, and nothing else', async () => {
      const [table, { proxy, url }] = [newTable(), await newProxy()]
      const store = openStore({ table, url })
      await store.create('key', ALICE)
      const unlock = await database.lock(direct(), table)
      const failure = failureOf(() => store.read('key'))
      await expect.poll(() => rowsOf(database.waiting), PATIENTLY).toHaveLength(1)
      await proxy.set('refuse')
      expect((await failure).code).toBe('UNAVAILABLE')
      await unlock()
      await proxy.set('none')
      await works(store)
    })

    it('7.2 that stays silent is not used for later calls', async () => {
      const { proxy, url } = await newProxy()
      const store = openStore({ url, connections: 1, deadline: 500 })
      await works(store)
      await proxy.set('blackhole')
      expect(await codeOf(() => store.read('key'))).toBe('UNAVAILABLE')
      await proxy.set('none')
      await works(store)
    })

    it('7.1, 7.2 to a server that freezes is dropped in time, and a new one is made after the thaw', async () => {
      const store = openStore({ deadline: 500 })
      await store.create('key', ALICE)
      await server().freeze()
      onTestFinished(() => server().thaw())
      const began = performance.now()
      const codes = await Promise.all([1, 2, 3].map(() => codeOf(() => store.read('key'))))
      expect(codes).toEqual(Array(3).fill('UNAVAILABLE'))
      expect(performance.now() - began).toBeLessThan(500 + SLACK)
      server().thaw()
      await works(store)
      expect(await store.read('key')).toMatchObject(ALICE)
    })

    it('7.4 sends nothing more of a write, once the caller was told that it failed', async () => {
      const table = newTable()
      const { longest } = database
      const store = openStore({ table, deadline: 1000, maxBytes: longest, connections: 1 })
      // A client that prepares statements has done so after this, and sends the data of the next call at once.
      await store.create('first', ALICE)
      await server().freeze()
      onTestFinished(() => server().thaw())
      // The kernel takes some of it. The rest waits in the process until the server reads on.
      expect(await codeOf(() => store.create('key', entry('x'.repeat(longest))))).toBe('UNAVAILABLE')
      server().thaw()
      // The server has read to the end of the connection once it no longer lists it.
      await expect.poll(() => rowsOf(database.others), PATIENTLY).toEqual([])
      expect(await rowsOf(`SELECT version FROM ${table}`)).toHaveLength(1)
    })
  })

  describe('a pool that is passed in', () => {
    it('7.4 writes nothing for a call that was rejected while it waited for a connection', async () => {
      const { pool, rows, store } = await oneConnection()
      const release = await database.borrow(pool)
      expect(await codeOf(() => store.create('key', ALICE))).toBe('UNAVAILABLE')
      release()
      // The pool serves the call that waited before it serves this query.
      expect(await rows()).toEqual([])
    })

    it('7.4 writes nothing for such a call even if the process was busy when the call began', async () => {
      const { pool, rows, store } = await oneConnection()
      // A timer from before the call must not reject the call while its statement may still be sent.
      await store.read('any').catch(() => null)
      const release = await database.borrow(pool)
      const busy: Entry = {
        ...ALICE,
        get data() {
          const end = performance.now() + 30
          while (performance.now() < end);
          return ALICE.data
        },
      }
      expect(await codeOf(() => store.create('key', busy))).toBe('UNAVAILABLE')
      release()
      expect(await rows()).toEqual([])
    })
  })
}
