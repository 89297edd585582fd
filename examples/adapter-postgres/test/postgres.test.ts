import { inspect } from 'node:util'
import { startFaultProxy } from '@sess/conformance'
import { sessions, type Sessions } from '@sess/core'
import { createAdapterContext, type Entry, isSessError, type ServerStore, type SessError } from '@sess/core/adapter'
import { Pool, type PoolConfig, types } from 'pg'
import postgres, { type PostgresOptions } from 'sess-adapter-postgres'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startPostgres } from '../../../scripts/servers/postgres.js'

const PASSWORD = 'correct-horse-battery'
const SECRET = 'a secret for tests, of 32 bytes or more'
const context = createAdapterContext({ secret: SECRET })
const entry: Entry = { data: '{"user":"alice"}', expiresAt: Date.UTC(2100, 0) }
/** Milliseconds that a call may take on top of its deadline while the machine is busy. */
const SLACK = 1500

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

/** Opens a store as a caller without types could, and closes it when the test ends. */
function open(options: unknown): ServerStore {
  const store = Reflect.apply(postgres, undefined, [options, context])
  if (store.kind !== 'server') throw new Error('expected a server store')
  onTestFinished(() => store.close())
  return store
}

const openStore = (options: PostgresOptions = {}): ServerStore =>
  open({ ...(!options.pool && { url: server.url }), table: newTable(), deadline: 5000, ...options })

function newPool(config: PoolConfig): Pool {
  const pool = new Pool({ connectionString: server.url, ...config })
  pool.on('error', () => {})
  onTestFinished(() => pool.end())
  return pool
}

async function failureOf(call: () => unknown): Promise<SessError> {
  try {
    await call()
  } catch (error) {
    if (isSessError(error)) return error
    throw error
  }
  throw new Error('expected the call to fail')
}

const shown = (value: unknown) => inspect(value, { depth: Infinity, showHidden: true })

/** Waits until the store works again, of itself. */
const works = (store: ServerStore) =>
  expect.poll(() => store.read('any').then(String, () => 'failed'), { timeout: 10_000 }).toBe('null')

/** Ends the connections of everybody else. */
const terminateOthers = () =>
  direct.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')

/** How many statements wait for a lock on the server. */
async function waiting(): Promise<number | null> {
  const { rowCount } = await direct.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)
  return rowCount
}

describe('the table', () => {
  it('is made once, however many make it at the same moment', async () => {
    const pools = Array.from({ length: 6 }, () => newPool({ max: 1 }))
    for (let round = 0; round < 3; round++) {
      const table = newTable()
      // They are connected, and so begin at once.
      await Promise.all(pools.map((pool) => pool.query('SELECT 1')))
      const stores = pools.map((pool) => openStore({ pool, table }))
      const versions = await Promise.all(stores.map((store) => store.create('key', entry)))
      expect(versions.filter((version) => version !== null)).toHaveLength(1)
    }
  })

  it('is made anew when it was dropped', async () => {
    const table = newTable()
    const store = openStore({ table })
    await store.create('key', entry)
    await direct.query(`DROP TABLE ${table}`)
    expect(await store.read('key')).toBeNull()
    expect(await store.create('key', entry)).not.toBeNull()
  })

  it('7.3 of another is left alone', async () => {
    const table = newTable()
    await direct.query(`CREATE TABLE ${table} (key integer, data text)`)
    const store = openStore({ table })
    const calls = [
      () => store.create('key', entry),
      () => store.read('key'),
      () => store.update('key', entry, 'version'),
      () => store.destroy('key'),
    ]
    for (const call of calls) {
      const failure = await failureOf(call)
      expect(failure.code).toBe('CORRUPT')
      expect(shown(failure)).not.toContain('alice')
    }
    expect((await direct.query(`SELECT * FROM ${table}`)).rowCount).toBe(0)
  })

  it('may belong to a user who lets another use it, and no more', async () => {
    const table = newTable()
    await openStore({ table }).create('key', entry)
    await direct.query(`CREATE USER clerk; GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO clerk`)
    const url = server.url.replace('postgres@', `clerk:${PASSWORD}@`)
    expect(await openStore({ url, table }).read('key')).toMatchObject(entry)
    const refused = await failureOf(() => openStore({ url }).read('key'))
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', cause: { code: '42501' } })
    expect(shown(refused)).not.toContain(PASSWORD)
  })
})

describe('a connection', () => {
  it('that dies while it is idle fails nothing', async () => {
    const store = openStore()
    await store.create('key', entry)
    await terminateOthers()
    await works(store)
    expect(await store.read('key')).toMatchObject(entry)
  })

  it('7.1, 7.4 that waits for a lock is given up on both sides, and what was refused is not written later', async () => {
    const table = newTable()
    const store = openStore({ table, deadline: 300 })
    const version = (await store.create('key', entry)) ?? ''
    const other = await direct.connect()
    onTestFinished(() => other.release(true))
    await other.query(`BEGIN; LOCK TABLE ${table}`)
    const began = performance.now()
    const calls = [() => store.read('key'), () => store.update('key', { ...entry, data: 'late' }, version)]
    for (const failure of await Promise.all(calls.map(failureOf))) expect(failure.code).toBe('UNAVAILABLE')
    expect(performance.now() - began).toBeLessThan(300 + SLACK)
    await expect.poll(waiting, { timeout: 5000 }).toBe(0)
    await other.query('COMMIT')
    await works(store)
    expect(await store.read('key')).toEqual({ ...entry, version })
  })

  it('that dies while it is in use fails the call, and nothing else', async () => {
    const [table, proxy] = [newTable(), await startFaultProxy(server.address)]
    onTestFinished(() => proxy.close())
    const store = openStore({ table, url: server.url.replace(server.address, proxy.address) })
    await store.create('key', entry)
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

  it('7.2 that nothing comes from any more is not kept for the calls to come', async () => {
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

  it('to a server that has become read-only is left for one to the primary', async () => {
    const store = openStore({ connections: 1 })
    const version = (await store.create('key', entry)) ?? ''
    const setReadOnly = (isOn: boolean) =>
      direct.query(`ALTER DATABASE postgres SET default_transaction_read_only = ${isOn}`)
    const writable = newPool({ options: '-c default_transaction_read_only=off' })
    await setReadOnly(true)
    const reset = () => writable.query('ALTER DATABASE postgres RESET default_transaction_read_only')
    onTestFinished(async () => void (await reset()))
    // What is connected already goes on.
    await terminateOthers()
    await works(store)
    expect(await store.read('key')).toEqual({ ...entry, version })
    const refused = await failureOf(() => store.update('key', entry, version))
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', cause: { code: '25006' } })
    await reset()
    expect(await store.update('key', entry, version)).not.toBeNull()
  })

  it('7.1, 7.2 to a server that freezes is dropped in time, and another made when it thaws', async () => {
    const store = openStore({ deadline: 500 })
    await store.create('key', entry)
    server.freeze()
    onTestFinished(() => server.thaw())
    const began = performance.now()
    const failures = await Promise.all([1, 2, 3].map(() => failureOf(() => store.read('key'))))
    for (const failure of failures) expect(failure.code).toBe('UNAVAILABLE')
    expect(performance.now() - began).toBeLessThan(500 + SLACK)
    server.thaw()
    await works(store)
    expect(await store.read('key')).toMatchObject(entry)
  })
})

describe('a pool that is passed in', () => {
  it('7.4 has nothing written by a call that had to wait for it for too long', async () => {
    const pool = newPool({ max: 1 })
    const table = newTable()
    await openStore({ pool, table }).read('any')
    const store = openStore({ pool, table, deadline: 100 })
    const taken = await pool.connect()
    expect(await failureOf(() => store.create('key', entry))).toMatchObject({ code: 'UNAVAILABLE' })
    taken.release()
    // It is the turn of what waited, and then of this.
    expect((await pool.query(`SELECT FROM ${table}`)).rowCount).toBe(0)
  })

  it('3.3 may isolate its transactions as strictly as there is: a lost race is no failure', async () => {
    const table = newTable()
    const options = '-c default_transaction_isolation=serializable'
    const stores = [1, 2, 3].map(() => openStore({ pool: newPool({ options, max: 2 }), table }))
    const created = await Promise.all(stores.map((store) => store.create('key', entry)))
    let version = created.find((won) => won !== null)
    for (let round = 0; round < 5; round++) {
      const current = version ?? ''
      const wins = await Promise.all(stores.flatMap((store) => [1, 2].map(() => store.update('key', entry, current))))
      const [won, another] = wins.filter((next) => next !== null)
      expect([typeof won, another]).toEqual(['string', undefined])
      version = won
    }
  })

  it('1.1 may read numbers in its own way', async () => {
    types.setTypeParser(types.builtins.INT8, BigInt)
    onTestFinished(() => types.setTypeParser(types.builtins.INT8, String))
    const store = openStore()
    const version = await store.create('key', entry)
    expect(await store.read('key')).toEqual({ ...entry, version })
  })
})

it('6.3 prune waits for nobody, and leaves what another has locked', async () => {
  const table = newTable()
  const store = openStore({ table })
  for (const key of ['locked', 'free']) await store.create(key, { ...entry, expiresAt: 1000 })
  const other = await direct.connect()
  onTestFinished(() => other.release(true))
  await other.query(`BEGIN; SELECT FROM ${table} WHERE key = 'locked' FOR UPDATE`)
  expect(await store.prune?.(1000)).toBe(1)
  await other.query('COMMIT')
  expect(await store.prune?.(1000)).toBe(1)
})

const URL_EXPECTED = `a URL such as 'postgres://user:password@host:5432/database'`
const TABLE_EXPECTED = `at most 52 lower-case letters, digits and _, such as 'sessions'`

const WRONG: readonly [options: unknown, message: string][] = [
  ['postgres', 'Option postgres is a string of 8 characters; expected an object of options.'],
  [
    { uri: '' },
    'Option postgres."uri" is not known; postgres takes url, connections, pool, table, deadline, maxBytes.',
  ],
  [{ url: '' }, `Option postgres.url is an empty string; expected ${URL_EXPECTED}.`],
  [{ url: 5432 }, `Option postgres.url is 5432; expected ${URL_EXPECTED}.`],
  ...[
    `host/${PASSWORD}`,
    `http://:${PASSWORD}@host`,
    `postgres://:${PASSWORD}@host:99999`,
    `postgres://%ff:${PASSWORD}@h`,
  ].map((url): [unknown, string] => [
    { url },
    `Option postgres.url is a string of ${url.length} characters; expected ${URL_EXPECTED}.`,
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
    expect(() => open(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message }))
  })

  it('has nothing beside pool that says where to connect', () => {
    expect(() => open({ pool: direct, url: server.url })).toThrow('postgres.url is a string of')
    expect(() => open({ pool: direct, connections: 1 })).toThrow('Option postgres.connections is 1; expected nothing')
  })

  it('that is right opens a store which connects to nothing yet and shows no password', () => {
    const longest = 'x'.repeat(52)
    for (const url of [
      `postgres://alice:${PASSWORD}@db.example/app`,
      `postgresql:///app?host=/run/pg&user=${PASSWORD}`,
    ]) {
      const store = open({ url, table: longest, connections: 1, deadline: 2 ** 31 - 1, maxBytes: 2 ** 28 })
      expect(store).toMatchObject({ kind: 'server', name: 'postgres', maxBytes: 2 ** 28, deadline: 2 ** 31 - 1 })
      expect(shown(store)).not.toContain(PASSWORD)
    }
    const store = open({ url: undefined, pool: undefined, table: undefined })
    expect(store).toMatchObject({ maxBytes: 2 ** 20, deadline: 1000 })
    expect(store).not.toHaveProperty('lacks')
  })

  it('may be as long as PostgreSQL lets a name be', async () => {
    const table = 'x'.repeat(52)
    expect(await openStore({ table }).create('key', entry)).not.toBeNull()
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
  // @ts-expect-error: a misspelt option must not compile, since the adapter has merged its own by name
  expect(() => sessions('postgres', { secret: SECRET, tabel: 'x' })).toThrow('tabel')
})
