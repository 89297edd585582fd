import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { entry, failureOf, numbers, SLACK, succeed } from '../../../tests/support/stores.ts'
import { LockQueue } from '../src/lock-queue.ts'
import { Child } from './child.ts'
import { openRaw } from './raw.ts'
import { all, allCallsOf, codesOf, newFile, openStore } from './stores.ts'

const WRITES = ['create', 'update', 'destroy', 'prune'] as const

/** Starts another process that holds the lock of a file until it is told to release it. */
async function lock(file: string, ...statements: readonly string[]): Promise<Child> {
  const child = new Child('lock.js', file, ...(statements.length > 0 ? statements : ['BEGIN IMMEDIATE']))
  expect(await child.next()).toBe('locked')
  return child
}

/** Blocks until the lock is free. */
function waitForLock(file: string): void {
  const database = openRaw(file)
  database.pragma('busy_timeout = 15000')
  database.exec('BEGIN IMMEDIATE; ROLLBACK')
}

/** How many turns the event loop makes until a promise settles. Counts at most one a millisecond. */
async function turnsUntil(settled: Promise<unknown>): Promise<number> {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await settled
  clearInterval(timer)
  return turns
}

describe('while another process holds the lock', () => {
  it('7.1 every write is UNAVAILABLE within the deadline, and says why', async () => {
    const file = newFile()
    const store = openStore({ file, deadline: 300 })
    await succeed(store.create('key', entry('data')))
    await lock(file)
    for (const name of WRITES) {
      const began = performance.now()
      const error = await failureOf(allCallsOf(store)[name])
      expect(error).toMatchObject({ code: 'UNAVAILABLE', cause: { code: 'SQLITE_BUSY' } })
      expect(error.message).toContain('Another process held the lock')
      expect(performance.now() - began).toBeGreaterThanOrEqual(299)
      expect(performance.now() - began).toBeLessThan(300 + SLACK)
    }
  })

  it('7.4 a write that close has ended is not done when the lock is free', async () => {
    const file = newFile()
    const store = openStore({ file, deadline: 100 })
    await succeed(store.create('key', entry('data')))
    const other = openRaw(file)
    other.exec('BEGIN IMMEDIATE')
    const write = failureOf(store.create('late', entry('data')))
    await store.close()
    expect((await write).code).toBe('UNAVAILABLE')
    other.exec('COMMIT')
    other.close()
    await setTimeout(50)
    expect(await openStore({ file }).read('late')).toBeNull()
  })

  it('reads do not wait', async () => {
    const file = newFile()
    const store = openStore({ file })
    await succeed(store.create('key', entry('data')))
    await lock(file, 'BEGIN EXCLUSIVE')
    const write = failureOf(() => store.destroy('key'))
    const found = await Promise.race([store.read('key'), write])
    expect(found).toMatchObject(entry('data'))
    await write
  })

  it('a call gives up when its deadline has passed since it began, wherever it is in the queue', async () => {
    const file = newFile()
    const [own, other] = [openRaw(file), openRaw(file)]
    own.pragma('busy_timeout = 0')
    other.exec('BEGIN IMMEDIATE')
    const queue = new LockQueue(10_000)
    const begin = () => void own.exec('BEGIN IMMEDIATE')
    const first = queue.run(begin)
    const late = queue.run(begin, performance.now() - 10_000)
    await expect(late).rejects.toMatchObject({ code: 'SQLITE_BUSY' })
    other.exec('ROLLBACK')
    await first
    expect(own.inTransaction).toBe(true)
  })

  // With SQLite's own busy timeout, which blocks, the event loop would make one or two turns.
  it('the event loop goes round, however many calls wait', async () => {
    const file = newFile()
    const store = openStore({ file })
    await store.read('key')
    await lock(file)
    const calls = numbers(100).map((n) => failureOf(() => store.create(`key${n}`, entry('data'))))
    expect(await turnsUntil(Promise.all(calls))).toBeGreaterThan(40)
    for (const error of await Promise.all(calls)) expect(error.code).toBe('UNAVAILABLE')
  })

  it('a write succeeds if the lock is let go in time', async () => {
    const file = newFile()
    const store = openStore({ file, deadline: 15_000 })
    const version = await succeed(store.create('key', entry('data')))
    const holder = await lock(file)
    const writes = [
      store.update('key', entry('updated'), version),
      ...numbers(50).map((n) => store.create(`key${n}`, entry('data'))),
    ]
    expect(await Promise.race([setTimeout(100, 'waits'), ...writes])).toBe('waits')
    holder.tell('release')
    for (const write of writes) expect(await write).toEqual(expect.any(String))
  })

  it('waiting calls are served in order', async () => {
    const file = newFile()
    const store = openStore({ file, deadline: 15_000 })
    await store.read('key')
    const holder = await lock(file)
    const creates = numbers(20).map((n) => store.create('key', entry(`${n}`)))
    await setTimeout(20)
    holder.tell('release')
    const [first, ...others] = await Promise.all(creates)
    expect(await store.read('key')).toEqual({ ...entry('0'), version: first })
    expect(others).toEqual(others.map(() => null))
  })

  it('a call that comes when the lock is free waits behind those that wait for it', async () => {
    const file = newFile()
    const store = openStore({ file, deadline: 15_000 })
    await store.read('key')
    const holder = await lock(file)
    const early = store.create('key', entry('early'))
    await setTimeout(20)
    holder.tell('release')
    // This blocks the event loop, so the waiting call cannot have tried again.
    waitForLock(file)
    const late = store.create('key', entry('late'))
    expect([await early, await late]).toEqual([expect.any(String), null])
  })

  it('a waiting call gets any other error', async () => {
    const file = newFile()
    const store = openStore({ file, deadline: 15_000 })
    await store.read('key')
    const holder = await lock(file, 'BEGIN IMMEDIATE', 'DROP TABLE sessions')
    const failure = failureOf(() => store.create('key', entry('data')))
    await setTimeout(20)
    holder.tell('commit')
    expect(await failure).toMatchObject({ code: 'UNAVAILABLE', cause: { code: 'SQLITE_ERROR' } })
    await succeed(store.create('key', entry('data')))
  })

  it('7.4 a write that failed is not made later', async () => {
    const file = newFile()
    const store = openStore({ file, deadline: 50 })
    const version = await succeed(store.create('key', entry('data')))
    const holder = await lock(file)
    await failureOf(() => store.create('created', entry('data')))
    await failureOf(() => store.update('key', entry('late'), version))
    await failureOf(() => store.destroy('key'))
    holder.tell('release')
    await holder.end()
    await store.destroy('unknown')
    expect(await store.read('created')).toBeNull()
    expect(await store.read('key')).toEqual({ ...entry('data'), version })
  })

  it.each([
    ['is new', ['BEGIN EXCLUSIVE']],
    ['is kept for one process', ['PRAGMA locking_mode = EXCLUSIVE', 'PRAGMA journal_mode = WAL', 'CREATE TABLE x (y)']],
  ])('7.1 a file that %s cannot be opened: UNAVAILABLE at first, and 7.2 then it works', async (_, statements) => {
    const file = newFile()
    const holder = await lock(file, ...statements)
    const store = openStore({ file, deadline: 200 })
    expect(await codesOf(store)).toEqual(all('UNAVAILABLE'))
    const waiting = openStore({ file, deadline: 15_000 }).read('key')
    holder.tell('release')
    expect(await waiting).toBeNull()
    await succeed(store.create('key', entry('data')))
  })

  it('7.5 close resolves within the deadline, and calls in flight end', async () => {
    const file = newFile()
    const store = openStore({ file, deadline: 500 })
    await store.read('key')
    await lock(file)
    const calls = [store.create('key', entry('data')), store.destroy('key'), allCallsOf(store).prune()]
    const settled = Promise.allSettled(calls)
    const began = performance.now()
    await store.close()
    expect(performance.now() - began).toBeLessThan(500 + SLACK)
    const locked = { status: 'rejected', reason: { code: 'UNAVAILABLE' } }
    expect(await settled).toMatchObject([locked, locked, locked])
    expect((await failureOf(() => store.read('key'))).code).toBe('CLOSED')
  })
})
