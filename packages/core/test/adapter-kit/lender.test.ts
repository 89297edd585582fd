import { EventEmitter } from 'node:events'
import { Lender, type ConnectionPool, type Use } from '@sess/core/adapter'
import { describe, expect, it } from 'vitest'

/** A pool of one connection that records what becomes of it. */
class OnePool implements ConnectionPool<EventEmitter> {
  readonly log: string[] = []
  readonly connection: EventEmitter = new EventEmitter()
  /** Lets `connect` resolve. */
  lend: () => void = () => {}
  readonly #lent = new Promise<void>((resolve) => (this.lend = resolve))

  async connect(): Promise<EventEmitter> {
    await this.#lent
    return this.connection
  }

  release(): void {
    this.log.push('released')
  }

  destroy(): void {
    this.log.push('destroyed')
  }

  /** Sends a statement, which is answered as `answer` is settled. */
  send<T>(statement: string, answer: Promise<T>): () => Promise<T> {
    return () => {
      this.log.push(statement)
      return answer
    }
  }
}

function open(isFree = true) {
  const pool = new OnePool()
  if (isFree) pool.lend()
  return { pool, lender: new Lender(pool) }
}

/** An answer that never comes. */
const never = new Promise<never>(() => undefined)
const answered = Promise.resolve('answer')
const refused = () => Promise.reject(new Error('refused'))

/** The code of the error that a promise rejects with. */
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined),
  )

/** Lets everything that is ready happen. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('a connection', () => {
  it('goes back to the pool when the work has succeeded', async () => {
    const { pool, lender } = open()
    const work = async (use: Use<EventEmitter>) => {
      await use(pool.send('first', answered))
      return use(pool.send('second', answered))
    }
    expect(await lender.borrow(1, work)).toBe('answer')
    expect(pool.log).toEqual(['first', 'second', 'released'])
  })

  it('is closed if a step has failed', async () => {
    const { pool, lender } = open()
    await expect(lender.borrow(1, (use) => use(pool.send('statement', refused())))).rejects.toThrow('refused')
    expect(pool.log).toEqual(['statement', 'destroyed'])
  })

  it('is closed if it owes an answer when the caller is told, and the work ends although the client never answers', async () => {
    const { pool, lender } = open()
    const borrowed = lender.borrow(1, (use) => use(pool.send('statement', never)))
    const told = codeOf(borrowed)
    await turn()
    lender.expire(1)
    expect(pool.log).toEqual(['statement', 'destroyed'])
    expect(await told).toBe('ETIMEDOUT')
    expect(pool.log).toEqual(['statement', 'destroyed'])
  })

  it('that has gone back is not closed when the same call is told late', async () => {
    const { pool, lender } = open()
    const borrowed = lender.borrow(1, (use) => use(pool.send('statement', answered)))
    while (!pool.log.includes('released')) await Promise.resolve()
    lender.expire(Infinity)
    await borrowed
    expect(pool.log).toEqual(['statement', 'released'])
  })

  it('is left to a call that began later', async () => {
    const { pool, lender } = open()
    const answer: { give?: (value: string) => void } = {}
    const pending = new Promise<string>((resolve) => (answer.give = resolve))
    const borrowed = lender.borrow(2, (use) => use(pool.send('statement', pending)))
    await turn()
    lender.expire(1)
    answer.give?.('answer')
    expect(await borrowed).toBe('answer')
    expect(pool.log).toEqual(['statement', 'released'])
  })

  it('that emits an error while it is in use ends nothing, and has no listener left when it goes back', async () => {
    const { pool, lender } = open()
    const work = async (use: Use<EventEmitter>) => {
      pool.connection.emit('error', new Error('reset'))
      return use(pool.send('statement', answered))
    }
    expect(await lender.borrow(1, work)).toBe('answer')
    expect(pool.connection.listenerCount('error')).toBe(0)
  })

  it('that emits an error after it was closed ends nothing', async () => {
    const { pool, lender } = open()
    await expect(lender.borrow(1, (use) => use(refused))).rejects.toThrow('refused')
    expect(pool.connection.emit('error', new Error('reset'))).toBe(true)
  })
})

describe('once the caller was told, nothing is sent', () => {
  it('on a connection that comes later: it goes back unused', async () => {
    const { pool, lender } = open(false)
    const borrowed = lender.borrow(1, (use) => use(pool.send('statement', answered)))
    const told = codeOf(borrowed)
    lender.expire(1)
    pool.lend()
    expect(await told).toBe('ETIMEDOUT')
    expect(pool.log).toEqual(['released'])
  })

  it('by a further step', async () => {
    const { pool, lender } = open()
    const work = async (use: Use<EventEmitter>) => {
      await use(pool.send('first', never)).catch(() => {})
      return use(pool.send('second', answered))
    }
    const told = codeOf(lender.borrow(1, work))
    await turn()
    lender.expire(1)
    expect(await told).toBe('ETIMEDOUT')
    expect(pool.log).toEqual(['first', 'destroyed'])
  })
})

it('a call that gets no connection fails with the error of the pool', async () => {
  const failing = { ...new OnePool(), connect: refused, release: () => {}, destroy: () => {} }
  const lender = new Lender(failing)
  await expect(lender.borrow(1, (use) => use(refused))).rejects.toThrow('refused')
  expect(() => lender.expire(Infinity)).not.toThrow()
})
