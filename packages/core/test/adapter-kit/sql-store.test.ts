import {
  type ServerStore,
  type SqlFault,
  type SqlPool,
  type SqlResult,
  sqlStore,
  type SqlValue,
} from '@sess/core/adapter'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { codeOf, failureOf } from '../../../../tests/support/stores.ts'
import { DEADLINE, STATEMENTS } from '../support/operations.ts'

const ENTRY = { data: 'data', expiresAt: 1 }
const VERSION = '0123456789abcdef'

const nothing: SqlResult = { rows: [], changed: 0 }
const one: SqlResult = { rows: [], changed: 1 }
const never = () => new Promise<never>(() => undefined)

/** An error of a database; `sqlStore` is told what it means. */
class DatabaseError extends Error {
  readonly fault: SqlFault | undefined

  constructor(message: string, fault?: SqlFault) {
    super(message)
    this.fault = fault
  }
}

type Query = (sql: string, values: readonly SqlValue[]) => Promise<SqlResult> | SqlResult

interface Opened {
  readonly store: ServerStore
  /** What became of connections, and the statements that were sent. */
  readonly log: string[]
}

/** Opens a store on a pool without limit, whose connections answer as `query` does. Closes it when the test ends. */
function open(query: Query, pool: Partial<SqlPool<object>> = {}): Opened {
  const log: string[] = []
  const store = sqlStore<object>({
    name: 'db',
    maxBytes: 1000,
    deadline: DEADLINE,
    pool: {
      connect: async () => ({}),
      release: () => void log.push('released'),
      destroy: () => void log.push('destroyed'),
      async query(_, sql, values) {
        log.push(sql)
        return query(sql, values)
      },
      ...pool,
    },
    statements: STATEMENTS,
    faultOf: (error) => (error instanceof DatabaseError ? error.fault : undefined),
  })
  onTestFinished(() => store.close())
  return { store, log }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
})

/** Answers a statement with the error until it was sent that often, and then with success. */
function failing(times: number, error: Error): Query {
  let sent = 0
  return (sql) => {
    if (sql !== 'TABLE' && sent++ < times) throw error
    return one
  }
}

describe('a statement', () => {
  it('gets its values in the order that the statement is documented with', async () => {
    const sent: Record<string, readonly unknown[]> = {}
    const { store } = open((sql, values) => {
      sent[sql] = values
      return nothing
    })
    await store.create('key', ENTRY)
    await store.read('key')
    await store.update('key', ENTRY, VERSION)
    await store.destroy('key')
    await store.prune?.(7)
    const version: unknown = expect.stringMatching(/^[\w-]{16}$/)
    const data = Buffer.from('data')
    expect(sent).toEqual({
      CREATE: ['key', data, 1, version],
      READ: ['key'],
      UPDATE: [data, 1, version, 'key', VERSION],
      DESTROY: ['key'],
      PRUNE: [7],
    })
  })

  it('that changed no row is a refusal', async () => {
    const { store } = open(() => nothing)
    expect(await store.create('key', ENTRY)).toBeNull()
    expect(await store.update('key', ENTRY, VERSION)).toBeNull()
  })

  it('1.2 that finds the key taken is a refusal, and its connection is sound', async () => {
    const { store, log } = open(failing(1, new DatabaseError('duplicate hunter2', 'taken')))
    expect(await store.create('key', ENTRY)).toBeNull()
    expect(log).toEqual(['CREATE', 'released'])
  })

  it.each(['', `${VERSION}x`, `${VERSION} `, "' OR '' = '", '\0'.repeat(16)])(
    '3.2 never compares %j, which is no version',
    async (version) => {
      const sent: SqlValue[] = []
      const { store } = open((_, values) => {
        sent.push(...values)
        return nothing
      })
      expect(await store.update('key', ENTRY, version)).toBeNull()
      expect(sent.at(-1)).toBeNull()
    },
  )

  it('7.4 is sent again if the database did nothing', async () => {
    const { store, log } = open(failing(2, new DatabaseError('deadlock', 'undone')))
    expect(await store.create('key', ENTRY)).not.toBeNull()
    expect(log).toEqual(['CREATE', 'CREATE', 'CREATE', 'released'])
  })

  it('7.4 is not sent again after any other error, and its connection is closed', async () => {
    const { store, log } = open(failing(1, new DatabaseError('disk full')))
    expect(await failureOf(store.create('key', ENTRY))).toMatchObject({
      code: 'UNAVAILABLE',
      cause: { message: 'disk full' },
    })
    expect(log).toEqual(['CREATE', 'destroyed'])
  })

  it('7.4 is not sent again once the caller was told', async () => {
    const error = new DatabaseError('deadlock', 'undone')
    const { store, log } = open(async () => {
      await new Promise((resolve) => setTimeout(resolve, DEADLINE - 1))
      throw error
    })
    const told = codeOf(store.create('key', ENTRY))
    await vi.advanceTimersByTimeAsync(3 * DEADLINE)
    expect(await told).toBe('UNAVAILABLE')
    expect(log).toEqual(['CREATE', 'CREATE', 'destroyed'])
  })

  it('7.3 that meets a table of another program is CORRUPT, and the error repeats nothing of it', async () => {
    const { store } = open(failing(1, new DatabaseError('no column hunter2', 'foreign')))
    const failure = await failureOf(store.read('key'))
    expect([failure.code, failure.cause]).toEqual(['CORRUPT', undefined])
  })

  it('that loses its connection again and again ends the calls to the server, which then needs no connection', async () => {
    const { store, log } = open(() => {
      throw new DatabaseError('Connection terminated', 'lost')
    })
    for (let count = 0; count < 5; count++) {
      expect(await failureOf(store.read('key'))).toMatchObject({
        code: 'UNAVAILABLE',
        cause: { message: 'Connection terminated', code: 'CONNECTION_LOST' },
      })
    }
    log.length = 0
    await Promise.all(['one', 'two', 'three'].map((key) => codeOf(store.read(key))))
    expect(log).toEqual(['READ', 'destroyed']) // the probe
  })

  it('7.3 that finds a row of another program is CORRUPT', async () => {
    const { store } = open(() => ({ rows: [{ data: 'data', expires_at: 'soon', version: VERSION }], changed: 0 }))
    expect(await codeOf(store.read('key'))).toBe('CORRUPT')
  })

  it('7.1, 7.4 that is not answered in time ends with its connection, before the caller is told', async () => {
    const { store, log } = open(never)
    const told = codeOf(store.create('key', ENTRY)).then((code) => log.push(code))
    await vi.advanceTimersByTimeAsync(DEADLINE + 1)
    await told
    expect(log).toEqual(['CREATE', 'destroyed', 'UNAVAILABLE'])
  })

  it('7.4 is not sent on a connection that comes after the caller was told', async () => {
    const lent: { lend?: (connection: object) => void } = {}
    const connect = () => new Promise<object>((resolve) => (lent.lend = resolve))
    const { store, log } = open(() => one, { connect })
    const told = codeOf(store.create('key', ENTRY))
    await vi.advanceTimersByTimeAsync(DEADLINE + 1)
    expect(await told).toBe('UNAVAILABLE')
    lent.lend?.({})
    await vi.advanceTimersByTimeAsync(1)
    expect(log).toEqual(['released'])
  })
})

describe('a missing table', () => {
  const missing = new DatabaseError('no table', 'missing')

  /** A database in which `exists` says whether the table is there. Creating it runs `create`. */
  function database(create: (table: { exists: boolean }) => Promise<void>): Query {
    const table = { exists: false }
    return async (sql) => {
      if (sql === 'TABLE') await create(table)
      else if (!table.exists) throw missing
      return one
    }
  }

  const times = (log: readonly string[], statement: string) => log.filter((line) => line === statement).length

  it('is created once for all calls that miss it, and their statements are sent again', async () => {
    const { store, log } = open(
      database(async (table) => {
        await new Promise(setImmediate)
        table.exists = true
      }),
    )
    const versions = await Promise.all(['a', 'b', 'c'].map((key) => store.create(key, ENTRY)))
    expect(versions).not.toContain(null)
    expect([times(log, 'TABLE'), times(log, 'CREATE'), times(log, 'released')]).toEqual([1, 6, 3])
  })

  it('may be created by another process at the same moment', async () => {
    const { store } = open(
      database(async (table) => {
        table.exists = true
        throw new DatabaseError('exists already')
      }),
    )
    expect(await store.create('key', ENTRY)).not.toBeNull()
  })

  it('that may not be created is UNAVAILABLE, and the cause says why', async () => {
    const { store, log } = open(database(() => Promise.reject(new DatabaseError('permission denied'))))
    const failure = await failureOf(store.create('key', ENTRY))
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', cause: { message: 'permission denied' } })
    expect(times(log, 'TABLE')).toBe(2)
  })

  it('is created by a later call if the call that began to create it was not answered in time', async () => {
    let attempts = 0
    const { store } = open(
      database(async (table) => {
        if (attempts++ === 0) await never()
        table.exists = true
      }),
    )
    const first = codeOf(store.create('key', ENTRY))
    await vi.advanceTimersByTimeAsync(DEADLINE / 2)
    const second = store.create('other', ENTRY)
    await vi.advanceTimersByTimeAsync(DEADLINE / 2 + 1)
    expect([await first, await codeOf(second)]).toEqual(['UNAVAILABLE', 'none'])
  })
})

describe('prune', () => {
  it('6.3 is repeated until it removes nothing, and adds up what it removed', async () => {
    const answers = [1000, 1000, 1, 0]
    const { store, log } = open(() => ({ rows: [], changed: answers.shift() ?? 0 }))
    expect(await store.prune?.(1)).toBe(2001)
    expect(log.filter((line) => line === 'PRUNE')).toHaveLength(4)
  })

  it.each([
    ['first', []],
    ['second', ['PRUNE', 'released']],
  ])('7.1 that hangs in its %s step is UNAVAILABLE, and the connection is closed', async (_, before) => {
    const { store, log } = open(() => (log.length > before.length ? never() : one))
    const told = codeOf(store.prune?.(1) ?? Promise.resolve())
    await vi.waitFor(() => expect(log).toEqual([...before, 'PRUNE']))
    await vi.advanceTimersByTimeAsync(DEADLINE + 1)
    expect([await told, ...log]).toEqual(['UNAVAILABLE', ...before, 'PRUNE', 'destroyed'])
  })
})

describe('close', () => {
  it('7.5 closes the connections that still owe an answer, and the pool', async () => {
    const end = vi.fn<() => Promise<void>>(async () => undefined)
    const { store, log } = open(never, { end })
    const told = codeOf(store.create('key', ENTRY))
    const closed = store.close()
    await vi.advanceTimersByTimeAsync(DEADLINE + 1)
    await closed
    expect(await told).toBe('UNAVAILABLE')
    expect(log).toEqual(['CREATE', 'destroyed'])
    expect(end).toHaveBeenCalledTimes(1)
  })

  it('7.5 closes the connection of a call whose own deadline would have come a moment later', async () => {
    const { store, log } = open((sql) => (sql === 'CREATE' ? never() : nothing))
    // This call starts the timer that the next call shares.
    await store.read('key')
    await vi.advanceTimersByTimeAsync(5)
    const told = codeOf(store.create('key', ENTRY))
    const closed = store.close()
    await vi.advanceTimersByTimeAsync(DEADLINE)
    await closed
    expect([await told, ...log]).toEqual(['UNAVAILABLE', 'READ', 'released', 'CREATE', 'destroyed'])
  })

  it("7.5 leaves the application's pool open", async () => {
    const { store } = open(() => one)
    await expect(store.close()).resolves.toBeUndefined()
  })
})
