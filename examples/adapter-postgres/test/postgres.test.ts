import { startFaultProxy } from '@sess/conformance'
import { sessions, type Sessions } from '@sess/core'
import type { Entry, ServerStore } from '@sess/core/adapter'
import { Pool, type PoolConfig, types } from 'pg'
import postgres, { type PostgresOptions } from 'sess-adapter-postgres'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startPostgres } from '../../../scripts/servers/postgres.js'
import {
  ALICE,
  failureOf,
  openServerStore,
  openUntyped,
  SECRET,
  shown,
  SLACK,
  works,
} from '../../../tests/support/stores.ts'

const PASSWORD = 'correct-horse-battery'

let server: Awaited<ReturnType<typeof startPostgres>>
let direct: Pool
let tables = 0

beforeAll(async () => {
  server = await startPostgres()
  direct = new Pool({ connectionString: server.url })
  direct.on('error', () => {})
})

afterAll(async () => {
  await direct.end()
  await server.stop()
})

const newTable = () => `test${++tables}`

const openStore = (options: PostgresOptions = {}): ServerStore =>
  openServerStore(postgres, {
    ...(!options.pool && { url: server.url }),
    table: newTable(),
    deadline: 5000,
    ...options,
  })

function newPool(config: PoolConfig): Pool {
  const pool = new Pool({ connectionString: server.url, ...config })
  pool.on('error', () => {})
  onTestFinished(() => pool.end())
  return pool
}

/** Ends all connections to the server except this one. */
const terminateOthers = () =>
  direct.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')

/** Returns how many statements wait for a lock on the server. */
async function waiting(): Promise<number | null> {
  const { rowCount } = await direct.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)
  return rowCount
}

describe('the table', () => {
  it('is created once, even if several stores create it at the same moment', async () => {
    const pools = Array.from({ length: 6 }, () => newPool({ max: 1 }))
    for (let round = 0; round < 3; round++) {
      const table = newTable()
      // Connect all of them first, so that they create the table at the same moment.
      await Promise.all(pools.map((pool) => pool.query('SELECT 1')))
      const stores = pools.map((pool) => openStore({ pool, table }))
      const versions = await Promise.all(stores.map((store) => store.create('key', ALICE)))
      expect(versions.filter((version) => version !== null)).toHaveLength(1)
    }
  })

  it('is created again after it was dropped', async () => {
    const table = newTable()
    const store = openStore({ table })
    await store.create('key', ALICE)
    await direct.query(`DROP TABLE ${table}`)
    expect(await store.read('key')).toBeNull()
    expect(await store.create('key', ALICE)).not.toBeNull()
  })

  it('7.3 that another program made is left alone', async () => {
    const table = newTable()
    await direct.query(`CREATE TABLE ${table} (key integer, data text)`)
    const store = openStore({ table })
    const calls = [
      () => store.create('key', ALICE),
      () => store.read('key'),
      () => store.update('key', ALICE, 'version'),
      () => store.destroy('key'),
    ]
    for (const call of calls) {
      const failure = await failureOf(call)
      expect(failure.code).toBe('CORRUPT')
      expect(shown(failure)).not.toContain('alice')
    }
    expect((await direct.query(`SELECT * FROM ${table}`)).rowCount).toBe(0)
  })

  it('may belong to another user, who grants no more than its use', async () => {
    const table = newTable()
    await openStore({ table }).create('key', ALICE)
    await direct.query(`CREATE USER clerk; GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO clerk`)
    const url = server.url.replace('postgres@', `clerk:${PASSWORD}@`)
    expect(await openStore({ url, table }).read('key')).toMatchObject(ALICE)
    const refused = await failureOf(() => openStore({ url }).read('key'))
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', cause: { code: '42501' } })
    expect(shown(refused)).not.toContain(PASSWORD)
  })
})

describe('a connection', () => {
  it('that dies while it is idle fails nothing', async () => {
    const store = openStore()
    await store.create('key', ALICE)
    await terminateOthers()
    await works(store)
    expect(await store.read('key')).toMatchObject(ALICE)
  })

  it('7.1, 7.4 that waits for a lock is given up on both sides, and a write that failed is not applied later', async () => {
    const table = newTable()
    const version = (await openStore({ table }).create('key', ALICE)) ?? ''
    const store = openStore({ table, deadline: 300 })
    const other = await direct.connect()
    onTestFinished(() => other.release(true))
    await other.query(`BEGIN; LOCK TABLE ${table}`)
    const began = performance.now()
    const calls = [() => store.read('key'), () => store.update('key', { ...ALICE, data: 'late' }, version)]
    for (const failure of await Promise.all(calls.map(failureOf))) expect(failure.code).toBe('UNAVAILABLE')
    expect(performance.now() - began).toBeLessThan(300 + SLACK)
    await expect.poll(waiting, { timeout: 5000 }).toBe(0)
    await other.query('COMMIT')
    await works(store)
    expect(await store.read('key')).toEqual({ ...ALICE, version })
  })

  it('that dies while it is in use fails the call, and nothing else', async () => {
    const [table, proxy] = [newTable(), await startFaultProxy(server.address)]
    onTestFinished(() => proxy.close())
    const store = openStore({ table, url: server.url.replace(server.address, proxy.address) })
    await store.create('key', ALICE)
    const other = await direct.connect()
    onTestFinished(() => other.release(true))
    await other.query(`BEGIN; LOCK TABLE ${table}`)
    const failure = failureOf(() => store.read('key'))
    await expect.poll(waiting, { timeout: 5000 }).toBe(1)
    await proxy.set('refuse')
    expect((await failure).code).toBe('UNAVAILABLE')
    await other.query('COMMIT')
    await proxy.set('none')
    await works(store)
  })

  it('7.2 that stays silent is not used for later calls', async () => {
    const proxy = await startFaultProxy(server.address)
    onTestFinished(() => proxy.close())
    const url = server.url.replace(server.address, proxy.address)
    const store = openStore({ url, connections: 1, deadline: 500 })
    await works(store)
    await proxy.set('blackhole')
    expect((await failureOf(() => store.read('key'))).code).toBe('UNAVAILABLE')
    await proxy.set('none')
    await works(store)
  })

  it('to a server that has become read-only is replaced by one to the primary', async () => {
    const store = openStore({ connections: 1 })
    const version = (await store.create('key', ALICE)) ?? ''
    const setReadOnly = (isOn: boolean) =>
      direct.query(`ALTER DATABASE postgres SET default_transaction_read_only = ${isOn}`)
    const writable = newPool({ options: '-c default_transaction_read_only=off' })
    await setReadOnly(true)
    const reset = () => writable.query('ALTER DATABASE postgres RESET default_transaction_read_only')
    onTestFinished(async () => void (await reset()))
    // Existing connections keep the old setting, so end them.
    await terminateOthers()
    await works(store)
    expect(await store.read('key')).toEqual({ ...ALICE, version })
    const refused = await failureOf(() => store.update('key', ALICE, version))
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', cause: { code: '25006' } })
    await reset()
    expect(await store.update('key', ALICE, version)).not.toBeNull()
  })

  it('7.1, 7.2 to a server that freezes is dropped in time, and a new one is made after the thaw', async () => {
    const store = openStore({ deadline: 500 })
    await store.create('key', ALICE)
    server.freeze()
    onTestFinished(() => server.thaw())
    const began = performance.now()
    const failures = await Promise.all([1, 2, 3].map(() => failureOf(() => store.read('key'))))
    for (const failure of failures) expect(failure.code).toBe('UNAVAILABLE')
    expect(performance.now() - began).toBeLessThan(500 + SLACK)
    server.thaw()
    await works(store)
    expect(await store.read('key')).toMatchObject(ALICE)
  })
})

describe('a write', () => {
  it('7.4 is not sent to its end, once the caller was told that it failed', async () => {
    const table = newTable()
    // The kernel takes some of it. The rest waits in the process until the server reads on.
    const large = { ...ALICE, data: 'x'.repeat(2 ** 25) }
    const store = openStore({ table, deadline: 1000, maxBytes: 2 ** 25, connections: 1 })
    await store.create('first', ALICE)
    server.freeze()
    onTestFinished(() => server.thaw())
    expect(await failureOf(() => store.create('key', large))).toMatchObject({ code: 'UNAVAILABLE' })
    server.thaw()
    // The server has read to the end of the connection once it no longer lists it.
    const others = `SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
    await expect.poll(async () => (await direct.query(others)).rowCount, { timeout: 10_000 }).toBe(0)
    expect((await direct.query(`SELECT FROM ${table}`)).rowCount).toBe(1)
  })
})

describe('a pool that is passed in', () => {
  it('7.4 writes nothing for a call that was rejected while it waited for a connection', async () => {
    const pool = newPool({ max: 1 })
    const table = newTable()
    await openStore({ pool, table }).read('any')
    const store = openStore({ pool, table, deadline: 100 })
    const taken = await pool.connect()
    expect(await failureOf(() => store.create('key', ALICE))).toMatchObject({ code: 'UNAVAILABLE' })
    taken.release()
    // The pool serves the call that waited before it serves this query.
    expect((await pool.query(`SELECT FROM ${table}`)).rowCount).toBe(0)
  })

  it('7.4 writes nothing for such a call even if the process was busy when the call began', async () => {
    const pool = newPool({ max: 1 })
    const table = newTable()
    await openStore({ pool, table }).read('any')
    const store = openStore({ pool, table, deadline: 100 })
    // A timer from before the call must not reject the call while its statement may still be sent.
    await store.read('any').catch(() => null)
    const taken = await pool.connect()
    const busy: Entry = {
      ...ALICE,
      get data() {
        const end = performance.now() + 30
        while (performance.now() < end);
        return ALICE.data
      },
    }
    expect(await failureOf(() => store.create('key', busy))).toMatchObject({ code: 'UNAVAILABLE' })
    taken.release()
    expect((await pool.query(`SELECT FROM ${table}`)).rowCount).toBe(0)
  })

  it('3.3 may use serializable transactions: a lost race is not a failure', async () => {
    const table = newTable()
    const options = '-c default_transaction_isolation=serializable'
    const stores = [1, 2, 3].map(() => openStore({ pool: newPool({ options, max: 2 }), table }))
    const created = await Promise.all(stores.map((store) => store.create('key', ALICE)))
    let version = created.find((won) => won !== null)
    for (let round = 0; round < 5; round++) {
      const current = version ?? ''
      const wins = await Promise.all(stores.flatMap((store) => [1, 2].map(() => store.update('key', ALICE, current))))
      const [won, another] = wins.filter((next) => next !== null)
      expect([typeof won, another]).toEqual(['string', undefined])
      version = won
    }
  })

  it('1.1 may have its own parser for numbers', async () => {
    types.setTypeParser(types.builtins.INT8, BigInt)
    onTestFinished(() => types.setTypeParser(types.builtins.INT8, String))
    const store = openStore()
    const version = await store.create('key', ALICE)
    expect(await store.read('key')).toEqual({ ...ALICE, version })
  })
})

it('6.3 prune waits for no lock, and leaves rows that another transaction has locked', async () => {
  const table = newTable()
  const store = openStore({ table })
  for (const key of ['locked', 'free']) await store.create(key, { ...ALICE, expiresAt: 1000 })
  const other = await direct.connect()
  onTestFinished(() => other.release(true))
  await other.query(`BEGIN; SELECT FROM ${table} WHERE key = 'locked' FOR UPDATE`)
  expect(await store.prune?.(1000)).toBe(1)
  await other.query('COMMIT')
  expect(await store.prune?.(1000)).toBe(1)
})

const EXAMPLE = `such as 'postgres://user:password@host:5432/database'`
const TABLE_EXPECTED = `at most 52 lower-case letters, digits and _, such as 'sessions'`

const WRONG: readonly [options: unknown, message: string][] = [
  ['postgres', 'Option postgres is a string of 8 characters; expected an object of options.'],
  [
    { uri: '' },
    'Option postgres."uri" is not known; postgres takes url, connections, pool, table, deadline, maxBytes.',
  ],
  [{ url: 5432 }, `Option postgres.url is 5432; expected a URL ${EXAMPLE}.`],
  ...[
    [`http://:${PASSWORD}@host`, 'that starts with postgres:// or postgresql://'],
    [`postgres://:${PASSWORD}@host:99999`, 'with a port from 1 to 65535'],
    [`postgres://:${PASSWORD}/@host`, 'whose user and password are percent-encoded'],
    [`postgres://:${PASSWORD}@host?sslrootcert=/missing`, 'with parameters that the client knows'],
  ].map(([given = '', wrong]): [unknown, string] => [
    { url: given },
    `Option postgres.url is a string of ${given.length} characters; expected a URL ${wrong}, ${EXAMPLE}.`,
  ]),
  [{ connections: 0 }, 'Option postgres.connections is 0; expected an integer from 1 to 10000.'],
  [{ pool: {} }, 'Option postgres.pool is an object; expected a Pool of pg.'],
  [{ pool: 'pool' }, 'Option postgres.pool is a string of 4 characters; expected a Pool of pg.'],
  [{ table: 'Sessions' }, `Option postgres.table is a string of 8 characters; expected ${TABLE_EXPECTED}.`],
  [{ table: 'x"; DROP TABLE y' }, `Option postgres.table is a string of 16 characters; expected ${TABLE_EXPECTED}.`],
  [{ table: 'x'.repeat(53) }, `Option postgres.table is a string of 53 characters; expected ${TABLE_EXPECTED}.`],
  [{ deadline: 2 ** 31 }, 'Option postgres.deadline is 2147483648; expected an integer from 1 to 2147483647.'],
  [{ maxBytes: 0 }, 'Option postgres.maxBytes is 0; expected an integer from 1 to 268435456.'],
]

describe('7.6 an option', () => {
  it.each(WRONG)('that is wrong is refused: %j', (options, message) => {
    expect(() => openUntyped(postgres, options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message }))
  })

  it('that names a pool excludes url and connections', () => {
    expect(() => openUntyped(postgres, { pool: direct, url: server.url })).toThrow('postgres.url is a string of')
    expect(() => openUntyped(postgres, { pool: direct, connections: 1 })).toThrow(
      'Option postgres.connections is 1; expected nothing',
    )
  })

  it('that is right opens a store which connects to nothing yet and shows no password', () => {
    const longest = 'x'.repeat(52)
    for (const url of [
      `postgres://alice:${PASSWORD}@db.example/app`,
      `postgresql:///app?host=/run/pg&user=${PASSWORD}`,
    ]) {
      const store = openUntyped(postgres, {
        url,
        table: longest,
        connections: 1,
        deadline: 2 ** 31 - 1,
        maxBytes: 2 ** 28,
      })
      expect(store).toMatchObject({ kind: 'server', name: 'postgres', maxBytes: 2 ** 28, deadline: 2 ** 31 - 1 })
      expect(shown(store)).not.toContain(PASSWORD)
    }
    const store = openUntyped(postgres, { url: undefined, pool: undefined, table: undefined })
    expect(store).toMatchObject({ maxBytes: 2 ** 20, deadline: 1000 })
    expect(store).not.toHaveProperty('lacks')
  })

  it('for the table may be as long as PostgreSQL allows', async () => {
    const table = 'x'.repeat(52)
    expect(await openStore({ table }).create('key', ALICE)).not.toBeNull()
    const indexes = await direct.query('SELECT indexname FROM pg_indexes WHERE tablename = $1', [table])
    expect(indexes.rows).toContainEqual({ indexname: `${table}-expires_at` })
  })
})

it('is found by its name, with its options typed', async () => {
  const sess: Sessions<{ visits: number }> = sessions('postgres', {
    secret: SECRET,
    url: server.url,
    table: newTable(),
  })
  onTestFinished(() => sess.close())
  const exchange = sess.exchange(undefined)
  const session = await exchange.open()
  session.visits = 1
  expect((await exchange.commit(200)).map(([name]) => name)).toContain('set-cookie')
  // @ts-expect-error -- A misspelt option must not compile. If it did, the compiler would report this line as unused.
  expect(() => sessions('postgres', { secret: SECRET, tabel: 'x' })).toThrow('tabel')
})
