import { type ServerOperations, type ServerStore, type SqlPool, sqlStore } from '@sess/core/adapter'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { DEADLINE, STATEMENTS, storeWith } from '../support/operations.ts'
import { onWorkers } from '../support/workers.ts'

const ENTRY = { data: 'data', expiresAt: 1 }
const never = () => new Promise<never>(() => undefined)

onWorkers()
beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('the calls of a store', () => {
  test('have a timer each, which stops when the call has ended', async () => {
    const answers: ((value: null) => void)[] = []
    const store = storeWith({ read: () => new Promise((resolve) => answers.push(resolve)) })
    const calls = ['a', 'b', 'c'].map((key) => store.read(key))
    expect(vi.getTimerCount()).toBe(3)
    for (const answer of answers) answer(null)
    expect(await Promise.all(calls)).toEqual([null, null, null])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('end in time, each by itself', async () => {
    const onTimeout = vi.fn<(began: number) => void>()
    const store = storeWith({ read: never, onTimeout })
    const [began] = [performance.now()]
    const first = failureOf(store.read('a'))
    await vi.advanceTimersByTimeAsync(10)
    const second = failureOf(store.read('b'))
    await vi.advanceTimersByTimeAsync(DEADLINE - 10)
    expect((await first).message).toBe('The test store did not answer within 1000 ms.')
    expect(onTimeout.mock.calls).toEqual([[began]])
    await vi.advanceTimersByTimeAsync(10)
    expect((await second).code).toBe('UNAVAILABLE')
    expect(onTimeout.mock.calls).toEqual([[began], [began + 10]])
  })

  test('of other requests are neither awaited nor ended by close', async () => {
    let answer: (value: null) => void = () => undefined
    const close = vi.fn<() => void>()
    const store = storeWith({ read: () => new Promise((resolve) => (answer = resolve)), close })
    const reading = store.read('a')
    await store.close()
    await store.close()
    answer(null)
    expect(await reading).toBeNull()
    expect(close).toHaveBeenCalledTimes(1)
    expect((await failureOf(store.read('a'))).code).toBe('CLOSED')
  })

  test('do not wait for a close that another request began', async () => {
    const store = storeWith({ close: never })
    void store.close()
    await store.close()
    expect((await failureOf(store.read('a'))).code).toBe('CLOSED')
  })
})

describe('after five calls in a row that a server did not answer', () => {
  let isDown: boolean
  let sent: string[]

  async function givenUp(read?: ServerOperations['read']): Promise<ServerStore> {
    isDown = true
    sent = []
    const answer = async (call: string) => {
      sent.push(call)
      if (isDown) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    }
    const store = storeWith({
      create: (key) => answer(`create ${key}`).then(() => 'version'),
      read: read ?? ((key) => answer(`read ${key}`).then(() => null)),
    })
    for (let call = 0; call < 5; call++) await failureOf(store.create('0', ENTRY))
    sent = []
    return store
  }

  test('calls fail without being sent, and one in a quarter of a second probes the server', async () => {
    const store = await givenUp()
    for (const key of ['1', '2', '3']) expect((await failureOf(store.create(key, ENTRY))).code).toBe('UNAVAILABLE')
    expect(sent).toEqual(['read 1'])
    await vi.advanceTimersByTimeAsync(250)
    await failureOf(store.create('4', ENTRY))
    expect(sent).toEqual(['read 1', 'read 4'])
  })

  test('the call that probes is sent if the probe was answered', async () => {
    const store = await givenUp()
    isDown = false
    expect(await store.create('1', ENTRY)).toBe('version')
    expect(sent).toEqual(['read 1', 'create 1'])
  })

  test('no call waits for the probe of another, which may never end', async () => {
    const store = await givenUp(async (key) => (key === '1' ? never() : null))
    isDown = false
    await vi.advanceTimersByTimeAsync(60_000)
    const first = store.create('1', ENTRY)
    expect(await Promise.race([first, store.create('2', ENTRY).then((version) => ['2', version])])).toEqual([
      '2',
      'version',
    ])
    await vi.advanceTimersByTimeAsync(250)
    expect(await first).toBe('version')
  })
})

describe('a store over SQL', () => {
  const nothing = { rows: [], changed: 0 }
  const missing = new Error('no such table')
  let log: string[]
  let answer: (sql: string) => ReturnType<SqlPool<object>['query']>

  function open(): ServerStore {
    log = []
    return sqlStore<object>({
      name: 'db',
      maxBytes: 1000,
      deadline: DEADLINE,
      pool: {
        connect: async () => ({}),
        release: () => void log.push('released'),
        destroy: () => void log.push('destroyed'),
        query(_, sql) {
          log.push(sql)
          return answer(sql)
        },
      },
      statements: STATEMENTS,
      faultOf: (error) => (error === missing ? 'missing' : undefined),
    })
  }

  test('creates a missing table by each call that misses it: another attempt may never end', async () => {
    const store = open()
    let tables = 0
    answer = async (sql) => {
      if (sql === 'TABLE') return tables++ === 0 ? never() : nothing
      if (tables < 2) throw missing
      return nothing
    }
    const lost = failureOf(store.read('a'))
    expect(await store.read('b')).toBeNull()
    expect(log).toEqual(['READ', 'READ', 'TABLE', 'TABLE', 'READ', 'released'])
    await vi.advanceTimersByTimeAsync(DEADLINE)
    expect((await lost).code).toBe('UNAVAILABLE')
  })

  test('closes the connection of a call that is not answered in time, by a timer of the call', async () => {
    const store = open()
    answer = never
    const failing = failureOf(store.read('a'))
    await vi.advanceTimersByTimeAsync(DEADLINE)
    const error = await failing
    expect(error.message).toBe('The db store did not answer within 1000 ms.')
    expect(error.cause).toMatchObject({ code: 'ETIMEDOUT' })
    expect(log).toEqual(['READ', 'destroyed'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('leaves the connections of other requests alone when it closes', async () => {
    const store = open()
    let give: (result: typeof nothing) => void = () => undefined
    answer = () => new Promise((resolve) => (give = resolve))
    const reading = store.read('a')
    await vi.advanceTimersByTimeAsync(0)
    await store.close()
    expect(log).toEqual(['READ'])
    give(nothing)
    expect(await reading).toBeNull()
    expect(log).toEqual(['READ', 'released'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
