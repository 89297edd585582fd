import { sessions, type Sessions } from '@sess/core'
import { createPool, type Pool, type PoolOptions, type RowDataPacket } from 'mysql2/promise'
import mysql from 'sess-adapter-mysql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startMariadb } from '../../../scripts/servers/mariadb.js'
import { PASSWORD } from '../../../tests/support/sql-options.ts'
import { PATIENTLY, sqlPlace, testSqlStore } from '../../../tests/support/sql-store.ts'
import { ALICE, codeOf, entry, failureOf, SECRET, shown, SLACK, succeed, works } from '../../../tests/support/stores.ts'

async function rowsIn(pool: Pool, sql: string): Promise<RowDataPacket[]> {
  const [rows] = await pool.query<RowDataPacket[]>(sql)
  return rows
}

async function killOthers(pool: Pool): Promise<void> {
  const others = await rowsIn(
    pool,
    `SELECT id FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID()`,
  )
  for (const { id } of others) await pool.query(`KILL ${id}`).catch(() => {})
}

async function lock(pool: Pool, table: string): Promise<() => Promise<void>> {
  const connection = await pool.getConnection()
  onTestFinished(() => connection.destroy())
  await connection.query(`LOCK TABLES ${table} WRITE`)
  return async () => void (await connection.query('UNLOCK TABLES'))
}

const place = sqlPlace({
  adapter: mysql,
  start: startMariadb,
  openPool: (uri: string, connectionLimit: number) => createPool({ uri, connectionLimit }),
  closePool: (pool: Pool) => pool.end(),
  rowsOf: rowsIn,
  async borrow(pool) {
    const connection = await pool.getConnection()
    return () => connection.release()
  },
  lock,
  endOthers: killOthers,
  waiting: `SELECT id FROM information_schema.processlist WHERE state LIKE 'Waiting for table%lock'`,
  others: `SELECT id FROM information_schema.processlist WHERE db = 'test' AND id <> CONNECTION_ID()`,
  longest: 15 * 2 ** 20,
})
const { server, direct, newTable, openStore } = place

const rowsOf = (sql: string) => rowsIn(direct(), sql)

function newPool(options: PoolOptions): Pool {
  const pool = createPool({ uri: server().url, ...options })
  onTestFinished(() => pool.end())
  return pool
}

const LOCK_WAITS = `SELECT trx_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'`

testSqlStore(place)

describe('the table', () => {
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
    await direct().query(`CREATE TABLE ${table} (${columns})`)
    const failure = await failureOf(() => openStore({ table }).create('key', ALICE))
    expect(failure.code).toBe('CORRUPT')
    expect(shown(failure)).not.toContain('alice')
    expect(await rowsOf(`SELECT * FROM ${table}`)).toEqual([])
  })

  it('may belong to another user, who grants no more than its use', async () => {
    const table = newTable()
    await openStore({ table }).create('key', ALICE)
    await direct().query(`CREATE USER clerk IDENTIFIED BY '${PASSWORD}'`)
    await direct().query(`GRANT SELECT, INSERT, UPDATE, DELETE ON test.${table} TO clerk`)
    const url = server().url.replace('root@', `clerk:${PASSWORD}@`)
    expect(await openStore({ url, table }).read('key')).toMatchObject(ALICE)
    await direct().query('CREATE DATABASE other')
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
    const [plans] = await direct().execute<RowDataPacket[]>(`EXPLAIN SELECT data FROM ${table} WHERE \`key\` = ?`, [
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
  it('7.1, 7.4 that waits for a lock is given up on both sides, and a write that failed is not applied later', async () => {
    const table = newTable()
    const version = await succeed(openStore({ table }).create('key', ALICE))
    const store = openStore({ table, deadline: 300 })
    const other = await direct().getConnection()
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
  await direct().query(`CREATE TABLE ${weight} (id INTEGER PRIMARY KEY)`)
  const other = await direct().getConnection()
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

it('the name of the table may be as long as MySQL allows', async () => {
  expect(await openStore({ table: 'x'.repeat(64) }).create('key', ALICE)).not.toBeNull()
})

it('is found by its name, with its options typed', async () => {
  const sess: Sessions<{ visits: number }> = sessions('mysql', { secret: SECRET, url: server().url, table: newTable() })
  onTestFinished(() => sess.close())
  const exchange = sess.exchange(undefined)
  const session = await exchange.open()
  session.visits = 1
  expect((await exchange.commit(200)).map(([name]) => name)).toContain('set-cookie')
  // @ts-expect-error -- A misspelt option must not compile. If it did, the compiler would report this line as unused.
  expect(() => sessions('mysql', { secret: SECRET, tabel: 'x' })).toThrow('tabel')
})
