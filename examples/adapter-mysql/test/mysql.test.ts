import { startFaultProxy } from '@sess/conformance'
import { sessions, type Sessions } from '@sess/core'
import type { Entry, ServerStore } from '@sess/core/adapter'
import { createPool, type Pool, type PoolOptions, type RowDataPacket } from 'mysql2/promise'
import mysql, { type MysqlOptions } from 'sess-adapter-mysql'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startMariadb } from '../../../scripts/servers/mariadb.js'
import {
  ALICE,
  codeOf,
  entry,
  failureOf,
  openServerStore,
  openUntyped,
  SECRET,
  shown,
  SLACK,
  succeed,
  works,
} from '../../../tests/support/stores.ts'

const PASSWORD = 'correct-horse-battery'

let server: Awaited<ReturnType<typeof startMariadb>>
let direct: Pool
let tables = 0

beforeAll(async () => {
  server = await startMariadb()
  direct = createPool(server.url)
})

afterAll(async () => {
  await direct.end()
  await server.stop()
})

const newTable = () => `test${++tables}`

const openStore = (options: MysqlOptions = {}): ServerStore =>
  openServerStore(mysql, {
    ...(!options.pool && { url: server.url }),
    table: newTable(),
    deadline: 5000,
    ...options,
  })

function newPool(options: PoolOptions): Pool {
  const pool = createPool({ uri: server.url, ...options })
  onTestFinished(() => pool.end())
  return pool
}

/** The rows that a statement returns. */
async function rowsOf(sql: string): Promise<RowDataPacket[]> {
  const [rows] = await direct.query<RowDataPacket[]>(sql)
  return rows
}

/** Ends all connections to the server except the one that does it. */
async function killOthers(): Promise<void> {
  const others = await rowsOf(
    `SELECT id FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID()`,
  )
  for (const { id } of others) await direct.query(`KILL ${id}`).catch(() => {})
}

/** Returns how many statements wait for a lock on the server. */
const waiting = async () =>
  (await rowsOf(`SELECT id FROM information_schema.processlist WHERE state LIKE 'Waiting for table%lock'`)).length

const LOCK_WAITS = `SELECT trx_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'`
// InnoDB does not renew the list of transactions for somebody who read it less than 100 ms ago.
const PATIENTLY = { timeout: 10_000, interval: 200 }

/** Locks a table on a connection of its own until the returned function is called. */
async function lock(table: string): Promise<() => Promise<void>> {
  const connection = await direct.getConnection()
  onTestFinished(() => connection.destroy())
  await connection.query(`LOCK TABLES ${table} WRITE`)
  return async () => void (await connection.query('UNLOCK TABLES'))
}

describe('the table', () => {
  it('is created once, even if several stores create it at the same moment', async () => {
    const pools = Array.from({ length: 6 }, () => newPool({ connectionLimit: 1 }))
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
    const store = openStore({ table, connections: 1 })
    await store.create('key', ALICE)
    await direct.query(`DROP TABLE ${table}`)
    expect(await store.read('key')).toBeNull()
    expect(await store.create('key', ALICE)).not.toBeNull()
  })

  it.each([
    ['other columns', '`key` INTEGER, data TEXT'],
    [
      'other types',
      '`key` VARCHAR(128), data LONGBLOB, expires_at DATE, version VARCHAR(16), CHECK (`key` = data), CHECK (version IS NULL)',
    ],
    [
      'more columns',
      '`key` VARCHAR(128), data LONGBLOB, expires_at BIGINT, version VARCHAR(16), owner INTEGER NOT NULL',
    ],
  ])('7.3 that another program made with %s is left alone', async (_, columns) => {
    const table = newTable()
    await direct.query(`CREATE TABLE ${table} (${columns})`)
    const failure = await failureOf(() => openStore({ table }).create('key', ALICE))
    expect(failure.code).toBe('CORRUPT')
    expect(shown(failure)).not.toContain('alice')
    expect(await rowsOf(`SELECT * FROM ${table}`)).toEqual([])
  })

  it('may belong to another user, who grants no more than its use', async () => {
    const table = newTable()
    await openStore({ table }).create('key', ALICE)
    await direct.query(`CREATE USER clerk IDENTIFIED BY '${PASSWORD}'`)
    await direct.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON test.${table} TO clerk`)
    const url = server.url.replace('root@', `clerk:${PASSWORD}@`)
    expect(await openStore({ url, table }).read('key')).toMatchObject(ALICE)
    await direct.query('CREATE DATABASE other')
    const refused = await failureOf(() => openStore({ url: url.replace('/test', '/other') }).read('key'))
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', cause: { code: 'ER_DBACCESS_DENIED_ERROR' } })
    expect(shown(refused)).not.toContain(PASSWORD)
  })

  it('5.2 is searched by the index, and compares keys and versions as bytes', async () => {
    const table = newTable()
    const store = openStore({ table })
    const version = await succeed(store.create('key', ALICE))
    expect(await store.create('KEY', entry('other'))).not.toBeNull()
    expect(await store.read('key')).toEqual({ ...ALICE, version })
    const other = version === version.toLowerCase() ? version.toUpperCase() : version.toLowerCase()
    expect(await store.update('key', ALICE, other)).toBeNull()
    const [plans] = await direct.execute<RowDataPacket[]>(`EXPLAIN SELECT data FROM ${table} WHERE \`key\` = ?`, [
      'key',
    ])
    expect(plans).toMatchObject([{ type: 'const', key: 'PRIMARY' }])
  })

  it('6.3 has an index of the expiry, so prune does not read the rows that it leaves', async () => {
    const table = newTable()
    await openStore({ table }).read('any')
    const indexes = await rowsOf(`SHOW INDEX FROM ${table} WHERE column_name = 'expires_at'`)
    expect(indexes).toMatchObject([{ Seq_in_index: 1 }])
  })
})

describe('a connection', () => {
  it('that dies while it is idle fails nothing', async () => {
    const store = openStore()
    await store.create('key', ALICE)
    await killOthers()
    await works(store)
    expect(await store.read('key')).toMatchObject(ALICE)
  })

  it('7.1, 7.4 that waits for a lock is given up on both sides, and a write that failed is not applied later', async () => {
    const table = newTable()
    const version = await succeed(openStore({ table }).create('key', ALICE))
    const store = openStore({ table, deadline: 300 })
    const other = await direct.getConnection()
    onTestFinished(() => other.destroy())
    await other.query('BEGIN')
    await other.query(`SELECT version FROM ${table} FOR UPDATE`)
    const began = performance.now()
    const late = { ...ALICE, data: 'late' }
    expect(await codeOf(() => store.update('key', late, version))).toBe('UNAVAILABLE')
    expect(performance.now() - began).toBeLessThan(300 + SLACK)
    await expect.poll(() => rowsOf(LOCK_WAITS), PATIENTLY).toEqual([])
    await other.query('COMMIT')
    await works(store)
    expect(await store.read('key')).toEqual({ ...ALICE, version })
  })

  it('that dies while it is in use fails the call, and nothing else', async () => {
    const [table, proxy] = [newTable(), await startFaultProxy(server.address)]
    onTestFinished(() => proxy.close())
    const store = openStore({ table, url: server.url.replace(server.address, proxy.address) })
    await store.create('key', ALICE)
    const unlock = await lock(table)
    const failure = failureOf(() => store.read('key'))
    await expect.poll(waiting, PATIENTLY).toBe(1)
    await proxy.set('refuse')
    expect((await failure).code).toBe('UNAVAILABLE')
    await unlock()
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
    const pool = newPool({ connectionLimit: 1 })
    const store = openStore({ pool })
    const version = await succeed(store.create('key', ALICE))
    await pool.query('SET SESSION TRANSACTION READ ONLY')
    expect(await store.read('key')).toEqual({ ...ALICE, version })
    const refused = await failureOf(() => store.update('key', ALICE, version))
    expect(refused).toMatchObject({
      code: 'UNAVAILABLE',
      cause: { code: 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION' },
    })
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

  it('7.4 sends nothing more of a write, once the caller was told that it failed', async () => {
    const table = newTable()
    // The kernel takes some of it. The rest waits in the process until the server reads on.
    const large = entry('x'.repeat(15 * 2 ** 20))
    const store = openStore({ table, deadline: 1000, maxBytes: 2 ** 24, connections: 1 })
    // Now the statement is prepared, so a call sends its data at once.
    await store.create('first', ALICE)
    server.freeze()
    onTestFinished(() => server.thaw())
    expect(await codeOf(() => store.create('key', large))).toBe('UNAVAILABLE')
    server.thaw()
    // The server has read to the end of the connection once it no longer lists it.
    await expect
      .poll(
        () => rowsOf(`SELECT id FROM information_schema.processlist WHERE db = 'test' AND id <> CONNECTION_ID()`),
        PATIENTLY,
      )
      .toEqual([])
    expect(await rowsOf(`SELECT version FROM ${table}`)).toHaveLength(1)
  })

  it('1.1, 7.2 takes almost as much as the server accepts at once, and more fails that call alone', async () => {
    const store = openStore({ maxBytes: 2 ** 25, connections: 1 })
    // The server's max_allowed_packet is 16 MiB.
    const large = entry('x'.repeat(2 ** 24 - 2 ** 10))
    const version = await succeed(store.create('large', large))
    expect(await store.read('large')).toEqual({ ...large, version })
    expect(await codeOf(() => store.create('larger', entry('x'.repeat(2 ** 24))))).toBe('UNAVAILABLE')
    expect(await store.create('key', ALICE)).not.toBeNull()
  })
})

describe('a pool that is passed in', () => {
  it('7.4 writes nothing for a call that was rejected while it waited for a connection', async () => {
    const pool = newPool({ connectionLimit: 1 })
    const table = newTable()
    await openStore({ pool, table }).read('any')
    const store = openStore({ pool, table, deadline: 100 })
    const taken = await pool.getConnection()
    expect(await failureOf(() => store.create('key', ALICE))).toMatchObject({ code: 'UNAVAILABLE' })
    taken.release()
    // The pool serves the call that waited before it serves this query.
    expect((await pool.query(`SELECT version FROM ${table}`))[0]).toEqual([])
  })

  it('7.4 writes nothing for such a call even if the process was busy when the call began', async () => {
    const pool = newPool({ connectionLimit: 1 })
    const table = newTable()
    await openStore({ pool, table }).read('any')
    const store = openStore({ pool, table, deadline: 100 })
    // A timer from before the call must not reject the call while its statement may still be sent.
    await store.read('any').catch(() => null)
    const taken = await pool.getConnection()
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
    expect((await pool.query(`SELECT version FROM ${table}`))[0]).toEqual([])
  })

  it.each<[string, PoolOptions]>([
    ['numbers as texts', { supportBigNumbers: true, bigNumberStrings: true }],
    ['rows as arrays', { rowsAsArray: true }],
    ['rows by table', { nestTables: true }],
    ['the rows that changed, not those that matched', { flags: ['-FOUND_ROWS'] }],
  ])('1.1, 3.1 may return %s', async (_, options) => {
    const store = openStore({ pool: newPool(options) })
    const version = await succeed(store.create('key', ALICE))
    const next = await succeed(store.update('key', ALICE, version))
    expect(await store.read('key')).toEqual({ ...ALICE, version: next })
  })

  it.each(['', 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES', 'STRICT_ALL_TABLES'])(
    '1.1 may have the sql_mode %j',
    async (mode) => {
      const pool = newPool({ connectionLimit: 1 })
      await pool.query(`SET sql_mode = '${mode}'`)
      const tricky = entry(`\\'"\0\`; -- \u{1F36A}`)
      const store = openStore({ pool })
      const version = await succeed(store.create('key', tricky))
      expect(await store.read('key')).toEqual({ ...tricky, version })
      expect(await store.update('key', tricky, `${version}' OR '' = '`)).toBeNull()
    },
  )
})

it('6.3 prune is tried again if the server ends it because of a deadlock', async () => {
  const [table, weight] = [newTable(), newTable()]
  const store = openStore({ table })
  for (const key of ['first', 'second']) await store.create(key, entry('data', key === 'first' ? 1 : 2))
  await direct.query(`CREATE TABLE ${weight} (id INTEGER PRIMARY KEY)`)
  const other = await direct.getConnection()
  onTestFinished(() => other.destroy())
  await other.query('BEGIN')
  // The server ends the transaction that has changed less.
  await other.query(`INSERT INTO ${weight} SELECT seq FROM seq_1_to_1000`)
  await other.query(`SELECT version FROM ${table} WHERE \`key\` = 'second' FOR UPDATE`)
  const pruned = store.prune?.(2)
  await expect.poll(() => rowsOf(LOCK_WAITS), PATIENTLY).toHaveLength(1)
  await other.query(`SELECT version FROM ${table} WHERE \`key\` = 'first' FOR UPDATE`)
  await other.query('COMMIT')
  expect(await pruned).toBe(2)
  const [status] = await rowsOf(`SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'`)
  expect(Number(status?.['Value'])).toBeGreaterThan(0)
})

const EXAMPLE = `such as 'mysql://user:password@host:3306/database'`
const TABLE_EXPECTED = 'at most 64 lower-case letters, digits and _'

const WRONG: readonly [options: unknown, message: string][] = [
  ['mysql', 'Option mysql is a string of 5 characters; expected an object of options.'],
  [{ uri: '' }, 'Option mysql."uri" is not known; mysql takes url, connections, pool, table, deadline, maxBytes.'],
  [{}, `Option mysql.url is missing; expected a URL ${EXAMPLE}.`],
  [{ url: 3306 }, `Option mysql.url is 3306; expected a URL ${EXAMPLE}.`],
  ...[
    [`http://:${PASSWORD}@host`, 'that starts with mysql://'],
    [`mysql://:${PASSWORD}@host:99999`, 'with a port from 1 to 65535'],
    [`mysql://:${PASSWORD}/@host`, 'whose user and password are percent-encoded'],
    [`mysql://:${PASSWORD}@host?ssl=unknown`, 'with parameters that the client knows'],
  ].map(([given = '', wrong]): [unknown, string] => [
    { url: given },
    `Option mysql.url is a string of ${given.length} characters; expected a URL ${wrong}, ${EXAMPLE}.`,
  ]),
  [{ connections: 0 }, 'Option mysql.connections is 0; expected an integer from 1 to 10000.'],
  [{ pool: {} }, 'Option mysql.pool is an object; expected a Pool of mysql2/promise.'],
  [{ table: 'Sessions' }, `Option mysql.table is a string of 8 characters; expected ${TABLE_EXPECTED}.`],
  [{ table: 'x`; DROP TABLE y' }, `Option mysql.table is a string of 16 characters; expected ${TABLE_EXPECTED}.`],
  [{ table: 'x'.repeat(65) }, `Option mysql.table is a string of 65 characters; expected ${TABLE_EXPECTED}.`],
  [{ deadline: 2 ** 31 }, 'Option mysql.deadline is 2147483648; expected an integer from 1 to 2147483647.'],
  [{ maxBytes: 0 }, 'Option mysql.maxBytes is 0; expected an integer from 1 to 268435456.'],
]

describe('7.6 an option', () => {
  it.each(WRONG)('that is wrong is refused: %j', (options, message) => {
    expect(() => openUntyped(mysql, options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message }))
  })

  it('that names a pool excludes url and connections', () => {
    expect(() => openUntyped(mysql, { pool: direct, url: server.url })).toThrow('because mysql.pool is set')
    expect(() => openUntyped(mysql, { pool: direct, connections: 1 })).toThrow('because mysql.pool is set')
  })

  it('that is right opens a store which connects to nothing yet and shows no password', () => {
    const store = openUntyped(mysql, {
      url: `mysql://alice:${PASSWORD}@db.example/app?ssl={"rejectUnauthorized":true}`,
      table: 'x'.repeat(64),
      connections: 1,
      deadline: 2 ** 31 - 1,
      maxBytes: 2 ** 28,
    })
    expect(store).toMatchObject({ kind: 'server', name: 'mysql', maxBytes: 2 ** 28, deadline: 2 ** 31 - 1 })
    expect(shown(store)).not.toContain(PASSWORD)
    expect(openUntyped(mysql, { url: server.url, table: undefined })).toMatchObject({
      maxBytes: 2 ** 20,
      deadline: 1000,
    })
    expect(store).not.toHaveProperty('lacks')
  })

  it('for the table may be as long as MySQL allows', async () => {
    expect(await openStore({ table: 'x'.repeat(64) }).create('key', ALICE)).not.toBeNull()
  })
})

it('is found by its name, with its options typed', async () => {
  const sess: Sessions<{ visits: number }> = sessions('mysql', { secret: SECRET, url: server.url, table: newTable() })
  onTestFinished(() => sess.close())
  const exchange = sess.exchange(undefined)
  const session = await exchange.open()
  session.visits = 1
  expect((await exchange.commit(200)).map(([name]) => name)).toContain('set-cookie')
  // @ts-expect-error -- A misspelt option must not compile. If it did, the compiler would report this line as unused.
  expect(() => sessions('mysql', { secret: SECRET, tabel: 'x' })).toThrow('tabel')
})
