import { sessions, type Sessions } from '@sess/core'
import { Pool, type PoolConfig, types } from 'pg'
import postgres from 'sess-adapter-postgres'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startPostgres } from '../../../scripts/servers/postgres.js'
import { PATIENTLY, sqlPlace, testSqlStore } from '../../../tests/support/sql-store.ts'
import { PASSWORD } from '../../../tests/support/sql-options.ts'
import { ALICE, failureOf, SECRET, shown, SLACK, works } from '../../../tests/support/stores.ts'

function openPool(config: PoolConfig): Pool {
  const pool = new Pool(config)
  // The server ends connections in these tests, and an 'error' event without a listener would end the process.
  pool.on('error', () => {})
  return pool
}

async function lock(pool: Pool, table: string): Promise<() => Promise<void>> {
  const client = await pool.connect()
  onTestFinished(() => client.release(true))
  await client.query(`BEGIN; LOCK TABLE ${table}`)
  return async () => void (await client.query('COMMIT'))
}

const terminateOthers = (pool: Pool) =>
  pool.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')

const place = sqlPlace({
  adapter: postgres,
  start: startPostgres,
  openPool: (connectionString: string, max: number) => openPool({ connectionString, max }),
  closePool: (pool: Pool) => pool.end(),
  rowsOf: async (pool, sql): Promise<object[]> => (await pool.query<object>(sql)).rows,
  async borrow(pool) {
    const client = await pool.connect()
    return () => client.release()
  },
  lock,
  endOthers: terminateOthers,
  waiting: `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
  others: `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  longest: 2 ** 25,
})
const { server, direct, database, rowsOf, newTable, openStore } = place

function newPool(config: PoolConfig): Pool {
  const pool = openPool({ connectionString: server().url, ...config })
  onTestFinished(() => pool.end())
  return pool
}

testSqlStore(place)

describe('the table', () => {
  it('7.3 that another program made is left alone', async () => {
    const table = newTable()
    await direct().query(`CREATE TABLE ${table} (key integer, data text)`)
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
    expect((await direct().query(`SELECT * FROM ${table}`)).rowCount).toBe(0)
  })

  it('may belong to another user, who grants no more than its use', async () => {
    const table = newTable()
    await openStore({ table }).create('key', ALICE)
    await direct().query(`CREATE USER clerk; GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO clerk`)
    const url = server().url.replace('postgres@', `clerk:${PASSWORD}@`)
    expect(await openStore({ url, table }).read('key')).toMatchObject(ALICE)
    const refused = await failureOf(() => openStore({ url }).read('key'))
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', cause: { code: '42501' } })
    expect(shown(refused)).not.toContain(PASSWORD)
  })
})

describe('a connection', () => {
  it('7.1, 7.4 that waits for a lock is given up on both sides, and a write that failed is not applied later', async () => {
    const table = newTable()
    const version = (await openStore({ table }).create('key', ALICE)) ?? ''
    const store = openStore({ table, deadline: 300 })
    const other = await direct().connect()
    onTestFinished(() => other.release(true))
    await other.query(`BEGIN; LOCK TABLE ${table}`)
    const began = performance.now()
    const calls = [() => store.read('key'), () => store.update('key', { ...ALICE, data: 'late' }, version)]
    for (const failure of await Promise.all(calls.map(failureOf))) expect(failure.code).toBe('UNAVAILABLE')
    expect(performance.now() - began).toBeLessThan(300 + SLACK)
    await expect.poll(() => rowsOf(database.waiting), PATIENTLY).toEqual([])
    await other.query('COMMIT')
    await works(store)
    expect(await store.read('key')).toEqual({ ...ALICE, version })
  })

  it('to a server that has become read-only is replaced by one to the primary', async () => {
    const store = openStore({ connections: 1 })
    const version = (await store.create('key', ALICE)) ?? ''
    const setReadOnly = (isOn: boolean) =>
      direct().query(`ALTER DATABASE postgres SET default_transaction_read_only = ${isOn}`)
    const writable = newPool({ options: '-c default_transaction_read_only=off' })
    await setReadOnly(true)
    const reset = () => writable.query('ALTER DATABASE postgres RESET default_transaction_read_only')
    onTestFinished(async () => void (await reset()))
    // Existing connections keep the old setting, so end them.
    await terminateOthers(direct())
    await works(store)
    expect(await store.read('key')).toEqual({ ...ALICE, version })
    const refused = await failureOf(() => store.update('key', ALICE, version))
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', cause: { code: '25006' } })
    await reset()
    expect(await store.update('key', ALICE, version)).not.toBeNull()
  })
})

describe('a pool that is passed in', () => {
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
  const other = await direct().connect()
  onTestFinished(() => other.release(true))
  await other.query(`BEGIN; SELECT FROM ${table} WHERE key = 'locked' FOR UPDATE`)
  expect(await store.prune?.(1000)).toBe(1)
  await other.query('COMMIT')
  expect(await store.prune?.(1000)).toBe(1)
})

it('the name of the table may be as long as PostgreSQL allows', async () => {
  const table = 'x'.repeat(52)
  expect(await openStore({ table }).create('key', ALICE)).not.toBeNull()
  expect(await rowsOf(`SELECT indexname FROM pg_indexes WHERE tablename = '${table}'`)).toContainEqual({
    indexname: `${table}-expires_at`,
  })
})

it('is found by its name, with its options typed', async () => {
  const sess: Sessions<{ visits: number }> = sessions('postgres', {
    secret: SECRET,
    url: server().url,
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
