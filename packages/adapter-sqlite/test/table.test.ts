import { setImmediate } from 'node:timers/promises'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entry, failureOf, FAR, numbers, PAST, shown, succeed } from '../../../tests/support/stores.ts'
import { openRaw } from './raw.ts'
import { all, codesOf, newFile, openStore } from './stores.ts'

describe('a table that is not ours', () => {
  it.each([
    ['is not strict', 'CREATE TABLE sessions (key TEXT PRIMARY KEY, data TEXT, expires_at INTEGER, version TEXT)'],
    ['lacks a column', 'CREATE TABLE sessions (key TEXT PRIMARY KEY, data TEXT, expires_at INTEGER) STRICT'],
    [
      'has a column of another type',
      'CREATE TABLE sessions (key TEXT PRIMARY KEY, data BLOB, expires_at INTEGER, version TEXT) STRICT',
    ],
    [
      'has another primary key',
      'CREATE TABLE sessions (key TEXT, data TEXT, expires_at INTEGER, version TEXT PRIMARY KEY) STRICT',
    ],
    ['is of connect-sqlite3', 'CREATE TABLE sessions (sid PRIMARY KEY, expired, sess)'],
    ['is a view', `CREATE VIEW sessions AS SELECT 'a' AS key, 'b' AS data, 1 AS expires_at, 'c' AS version`],
  ])('7.3 is CORRUPT for every method, and left as it is: one that %s', async (_, sql) => {
    const file = newFile()
    const database = openRaw(file)
    database.exec(sql)
    const store = openStore({ file })
    expect(await codesOf(store)).toEqual(all('CORRUPT'))
    expect((await failureOf(() => store.read('key'))).message).toContain('sqlite.table')
    expect(database.prepare('SELECT name FROM sqlite_schema WHERE sql IS NOT NULL').pluck().all()).toEqual(['sessions'])
    await succeed(openStore({ file, table: 'others' }).create('key', entry('data')))
  })

  it('5.1 stays apart from ours in one file', async () => {
    const file = newFile()
    const database = openRaw(file)
    database.exec(`CREATE TABLE users (name); INSERT INTO users VALUES ('Ada')`)
    const store = openStore({ file })
    await succeed(store.create('key', entry('data', PAST)))
    expect(await store.prune?.(FAR)).toBe(1)
    expect(database.prepare('SELECT name FROM users').pluck().all()).toEqual(['Ada'])
  })
})

interface Row {
  readonly data: string
  readonly expiresAt: bigint
  readonly version: string
}

const versions = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ minLength: 15, maxLength: 17 }),
  fc.stringMatching(/^[\w-]{16}$/),
)
const expiries = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 8_640_000_000_000_000n, 8_640_000_000_000_001n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
)
const rows: fc.Arbitrary<Row> = fc.record({
  data: fc.string({ unit: 'binary' }).map((text) => `secret ${text}`),
  expiresAt: expiries,
  version: versions,
})

function isOurs({ expiresAt, version }: Row): boolean {
  return /^[\w-]{16}$/.test(version) && expiresAt >= 1n && expiresAt <= 8_640_000_000_000_000n
}

describe('rows that something else wrote', () => {
  it('7.3 are CORRUPT, ten thousand of them, and are neither replaced nor shown', async () => {
    const file = newFile()
    const store = openStore({ file })
    await store.read('key')
    const planted = fc.sample(rows, 10_000)
    const database = openRaw(file)
    const insert = database.prepare('INSERT INTO sessions VALUES (?, ?, ?, ?)')
    const insertAll = database.transaction(() => {
      for (const [n, { data, expiresAt, version }] of planted.entries()) insert.run(`key${n}`, data, expiresAt, version)
    })
    insertAll()
    let foreign = 0
    for (const [n, row] of planted.entries()) {
      if (isOurs(row)) {
        const expiresAt = Number(row.expiresAt)
        expect(await store.read(`key${n}`)).toEqual({ data: row.data, expiresAt, version: row.version })
        continue
      }
      foreign++
      const error = await failureOf(() => store.read(`key${n}`))
      expect(error.code).toBe('CORRUPT')
      if (shown(error).includes('secret')) throw new Error('data is shown')
    }
    expect(foreign).toBeGreaterThan(5000)
  })

  it.each([
    ['an empty version', { data: 'foreign', expiresAt: FAR, version: '' }],
    ['a version of another kind', { data: 'foreign', expiresAt: FAR, version: 'a foreign text t' }],
    ['no date', { data: 'foreign', expiresAt: 0, version: 'AAAAAAAAAAAAAAA!' }],
  ])('7.3 are not created over, not updated, and destroyed: %s', async (_, row) => {
    const file = newFile()
    const store = openStore({ file })
    const neighbour = await succeed(store.create('neighbour', entry('data')))
    openRaw(file).prepare('INSERT INTO sessions VALUES (?, ?, ?, ?)').run('key', row.data, row.expiresAt, row.version)
    expect(await store.create('key', entry('new'))).toBeNull()
    for (const version of [row.version, neighbour]) expect(await store.update('key', entry('new'), version)).toBeNull()
    expect((await failureOf(() => store.read('key'))).code).toBe('CORRUPT')
    await store.destroy('key')
    expect(await store.read('key')).toBeNull()
    expect(await store.read('neighbour')).toEqual({ ...entry('data'), version: neighbour })
  })
})

/** Watches a promise, to know whether it has settled. */
function settling<T>(promise: Promise<T> | undefined) {
  let settled = false
  const watched = Promise.resolve(promise).finally(() => (settled = true))
  return { promise: watched, isSettled: () => settled }
}

describe('prune', () => {
  const EXPIRED = 100_000

  /** Fills a file with 100 000 sessions that expired at `PAST`, and 150 that expired one millisecond later. */
  async function fill(file: string): Promise<void> {
    await openStore({ file }).read('key')
    const database = openRaw(file)
    database.pragma('synchronous = OFF')
    const insert = database.prepare(`INSERT INTO sessions VALUES (?, 'data', ?, 'AAAAAAAAAAAAAAAA')`)
    const insertAll = database.transaction((expiresAt: number, count: number) => {
      for (const n of numbers(count)) insert.run(`${expiresAt}-${n}`, expiresAt)
    })
    insertAll(PAST, EXPIRED)
    insertAll(PAST + 1, 150)
  }

  it('6.3 removes what has expired and nothing else, while others work, and spares what is extended', async () => {
    const file = newFile()
    await fill(file)
    const [store, other] = [openStore({ file }), openStore({ file })]
    const pruning = settling(store.prune?.(PAST))
    const extended: string[] = []
    let worked = 0
    for (let n = EXPIRED - 1; !pruning.isSettled() && n > 0; n -= 7) {
      const key = `${PAST}-${n}`
      if ((await other.update(key, entry('extended'), 'AAAAAAAAAAAAAAAA')) !== null) extended.push(key)
      await succeed(other.create(`new${n}`, entry('new')))
      await setImmediate()
      worked++
    }
    expect(worked).toBeGreaterThan(100)
    expect(extended.length).toBeGreaterThan(100)
    expect(await pruning.promise).toBe(EXPIRED - extended.length)
    for (const key of extended) expect(await store.read(key)).toMatchObject(entry('extended'))
    expect(await store.read(`${PAST + 1}-0`)).toMatchObject({ expiresAt: PAST + 1 })
    expect(await store.prune?.(PAST)).toBe(0)
    expect(await store.prune?.(PAST + 1)).toBe(150)
  })

  it('7.5 stops when the store is closed, and another finishes', async () => {
    const file = newFile()
    await fill(file)
    const [store, other] = [openStore({ file }), openStore({ file })]
    const pruning = store.prune?.(PAST)
    await setImmediate()
    await store.close()
    const removed = (await pruning) ?? 0
    expect(removed).toBeGreaterThan(0)
    expect(removed).toBeLessThan(EXPIRED / 2)
    expect(await other.prune?.(PAST)).toBe(EXPIRED - removed)
  })
})

describe('expiry', () => {
  it.each([1, Date.UTC(2039, 0), 2 ** 53 - 1, 8.64e15])('6.4 of %d ms is kept exactly', async (expiresAt) => {
    const store = openStore()
    const given = entry('data', Math.min(expiresAt, 8.64e15))
    await succeed(store.create('key', given))
    expect(await store.read('key')).toMatchObject(given)
    expect(await store.prune?.(given.expiresAt - 1)).toBe(0)
    expect(await store.prune?.(given.expiresAt)).toBe(1)
  })
})
