import { inspect } from 'node:util'
import { corrupt, type ServerStore, SessError } from '@sess/core/adapter'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { DEADLINE, storeWith } from '../support/operations.ts'

const ENTRY = { data: 'data', expiresAt: 1 }
const never = () => new Promise<never>(() => undefined)

/** Records the state of a call: pending, resolved or an error code. */
function watch(call: Promise<unknown>) {
  const seen: { state: string } = { state: 'pending' }
  call.then(
    () => (seen.state = 'resolved'),
    (error: unknown) => (seen.state = error instanceof SessError ? error.code : 'rejected'),
  )
  return seen
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('the deadline', () => {
  test.each([
    ['create', (store: ServerStore) => store.create('key', ENTRY)],
    ['read', (store: ServerStore) => store.read('key')],
    ['update', (store: ServerStore) => store.update('key', ENTRY, 'version')],
    ['destroy', (store: ServerStore) => store.destroy('key')],
  ])('bounds %s', async (method, call) => {
    const store = storeWith({ [method]: never })
    const seen = watch(call(store))
    await vi.advanceTimersByTimeAsync(DEADLINE - 2)
    expect(seen.state).toBe('pending')
    await vi.advanceTimersByTimeAsync(3)
    expect(seen.state).toBe('UNAVAILABLE')
    await store.close()
  })

  test('never ends a call sooner than the operation was told, even if its timer fires early', async () => {
    const told: { began?: number } = {}
    const store = storeWith({
      create: (_key, _entry, began) => {
        told.began = began
        return never()
      },
    })
    const seen = watch(store.create('key', ENTRY))
    const began = told.began ?? Number.NaN
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => began + DEADLINE - 0.1)
    await vi.advanceTimersByTimeAsync(DEADLINE + 50)
    expect(seen.state).toBe('pending')
    clock.mockImplementation(() => began + DEADLINE)
    await vi.advanceTimersByTimeAsync(1)
    expect(seen.state).toBe('UNAVAILABLE')
    clock.mockRestore()
    await store.close()
  })

  test('bounds each step of prune', async () => {
    let steps = 0
    const store = storeWith({
      async *prune() {
        while (++steps < 5) {
          await new Promise((resolve) => setTimeout(resolve, DEADLINE - 10))
          yield 1
        }
        await never()
      },
    })
    const seen = watch(store.prune?.(1) ?? Promise.resolve())
    await vi.advanceTimersByTimeAsync(4 * DEADLINE)
    expect({ steps, ...seen }).toEqual({ steps: 5, state: 'pending' })
    await vi.advanceTimersByTimeAsync(DEADLINE)
    expect(seen.state).toBe('UNAVAILABLE')
    await store.close()
  })

  test('counts from the start of each call', async () => {
    const store = storeWith({ read: never })
    const first = watch(store.read('one'))
    await vi.advanceTimersByTimeAsync(DEADLINE / 2)
    const second = watch(store.read('other'))
    await vi.advanceTimersByTimeAsync(DEADLINE / 2 + 1)
    expect([first.state, second.state]).toEqual(['UNAVAILABLE', 'pending'])
    await vi.advanceTimersByTimeAsync(DEADLINE / 2)
    expect(second.state).toBe('UNAVAILABLE')
    await store.close()
  })

  test('does not affect a call that was answered in time, even if another one hangs', async () => {
    const store = storeWith({ read: (key) => (key === 'stuck' ? never() : Promise.resolve(null)) })
    const stuck = watch(store.read('stuck'))
    const good = watch(store.read('good'))
    await vi.advanceTimersByTimeAsync(DEADLINE + 1)
    expect([stuck.state, good.state]).toEqual(['UNAVAILABLE', 'resolved'])
    await store.close()
  })

  test('passes the adapter the time at which a timed-out call began', async () => {
    const onTimeout = vi.fn<(began: number) => void>()
    const store = storeWith({ read: never, onTimeout })
    await vi.advanceTimersByTimeAsync(77)
    const began = performance.now()
    watch(store.read('key'))
    await vi.advanceTimersByTimeAsync(DEADLINE + 1)
    expect(onTimeout.mock.calls).toEqual([[began]])
    await store.close()
  })

  test('drops a rejection that comes after it', async () => {
    const store = storeWith({
      read: () => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 2 * DEADLINE)),
    })
    const seen = watch(store.read('key'))
    await vi.advanceTimersByTimeAsync(3 * DEADLINE)
    expect(seen.state).toBe('UNAVAILABLE')
    await store.close()
  })

  test('leaves no timer behind once the store is idle for that long', async () => {
    const store = storeWith({})
    for (let count = 0; count < 100; count++) await store.read('key')
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(DEADLINE + 1)
    expect(vi.getTimerCount()).toBe(0)
    await store.close()
  })

  test('costs no timer if the operations enforce it themselves', async () => {
    const store = storeWith({ ownsDeadline: true })
    await store.read('key')
    expect(vi.getTimerCount()).toBe(0)
    await store.close()
  })
})

describe('an error of the client', () => {
  const secret = Object.assign(new Error('refused'), { code: 'EREFUSED', command: { args: ['session data'] } })

  test('is UNAVAILABLE, and shows nothing of what was sent', async () => {
    const store = storeWith({ read: () => Promise.reject(secret) })
    const error = await failureOf(store.read('key'))
    expect(error).toMatchObject({ code: 'UNAVAILABLE', cause: { message: 'refused', code: 'EREFUSED' } })
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('session data')
    await store.close()
  })

  test('is also UNAVAILABLE if an operation throws synchronously', async () => {
    const store = storeWith({
      read: () => {
        throw secret
      },
    })
    expect((await failureOf(store.read('key'))).code).toBe('UNAVAILABLE')
    await store.close()
  })

  test('is the error that the adapter maps it to', async () => {
    const mapError = (error: unknown) => (error === secret ? corrupt('test') : undefined)
    const store = storeWith({
      read: () => Promise.reject(secret),
      destroy: () => Promise.reject(new Error()),
      mapError,
    })
    expect((await failureOf(store.read('key'))).code).toBe('CORRUPT')
    expect((await failureOf(store.destroy('key'))).code).toBe('UNAVAILABLE')
    await store.close()
  })

  test('is passed on unchanged if it is already a SessError', async () => {
    const own = new SessError('UNAVAILABLE', 'full')
    const store = storeWith({ read: () => Promise.reject(own), mapError: () => corrupt('test') })
    expect(await failureOf(store.read('key'))).toBe(own)
    await store.close()
  })
})

describe('an answer', () => {
  test('may be there at once', async () => {
    const store = storeWith({ read: () => null, update: () => 'version', destroy: () => undefined })
    const calls = [store.read('key'), store.update('key', ENTRY, 'version'), store.destroy('key')]
    expect(calls.every((call) => call instanceof Promise)).toBe(true)
    expect(await Promise.all(calls)).toEqual([null, 'version', undefined])
    await store.close()
  })

  test("may be another library's promise", async () => {
    const stored = { data: 'data', expiresAt: 1, version: 'version' }
    const thenable = { then: (resolve: (value: unknown) => void) => resolve(stored) }
    const store: ServerStore = Reflect.apply(storeWith, undefined, [{ read: () => thenable }])
    expect(await store.read('key')).toEqual(stored)
    await store.close()
  })
})

describe('prune', () => {
  test('adds up what the steps removed', async () => {
    vi.useRealTimers()
    const store = storeWith({
      *prune() {
        yield* [3, 0, 4]
      },
    })
    expect(await store.prune?.(1)).toBe(7)
    await store.close()
    vi.useFakeTimers()
  })

  test('yields to the event loop between two steps', async () => {
    vi.useRealTimers()
    const order: string[] = []
    const store = storeWith({
      *prune() {
        for (const step of ['first', 'second']) {
          order.push(step)
          setImmediate(() => order.push('another'))
          yield 1
        }
      },
    })
    await store.prune?.(1)
    expect(order).toEqual(['first', 'another', 'second', 'another'])
    await store.close()
    vi.useFakeTimers()
  })

  test('ends with the step under way when the store closes', async () => {
    vi.useRealTimers()
    let steps = 0
    const store = storeWith({
      *prune() {
        for (;;) yield ++steps
      },
    })
    const pruned = store.prune?.(1)
    await store.close()
    expect(await pruned).toBe(1)
    vi.useFakeTimers()
  })

  test('is missing if the operations have no prune', () => {
    expect('prune' in storeWith({})).toBe(false)
  })
})

describe('check', () => {
  test('is missing if the operations have none', () => {
    expect('check' in storeWith({})).toBe(false)
  })

  test('is UNAVAILABLE after the deadline', async () => {
    const seen = watch(storeWith({ check: never }).check?.() ?? Promise.resolve())
    await vi.advanceTimersByTimeAsync(DEADLINE + 1)
    expect(seen.state).toBe('UNAVAILABLE')
  })

  test('asks a server that was given up', async () => {
    const store = storeWith({ read: never, check: async () => [] })
    for (let calls = 0; calls < 5; calls++) {
      watch(store.read('key'))
      await vi.advanceTimersByTimeAsync(DEADLINE + 1)
    }
    const seen = watch(store.check?.() ?? Promise.reject(new Error('no check')))
    await vi.advanceTimersByTimeAsync(1)
    expect(seen.state).toBe('resolved')
    await store.close()
  })
})

describe('close', () => {
  test('lets calls in flight end first, and returns the same result to every caller', async () => {
    const order: string[] = []
    const store = storeWith({
      read: async () => {
        await new Promise((resolve) => setTimeout(resolve, 10))
        order.push('read')
        return null
      },
      close: async () => void order.push('closed'),
    })
    watch(store.read('key'))
    const closing = Promise.all([store.close(), store.close()])
    await vi.advanceTimersByTimeAsync(11)
    await closing
    await store.close()
    expect(order).toEqual(['read', 'closed'])
  })

  test('is followed by CLOSED from every method', async () => {
    const store = storeWith({ *prune() {}, check: () => [] })
    await store.close()
    const calls = [
      store.create('key', ENTRY),
      store.read('key'),
      store.update('key', ENTRY, 'version'),
      store.destroy('key'),
      store.prune?.(1) ?? Promise.resolve(),
      store.check?.() ?? Promise.resolve(),
    ]
    for (const call of calls) expect((await failureOf(call)).code).toBe('CLOSED')
  })

  test('ends within the deadline, though a call and the backend hang', async () => {
    const store = storeWith({ read: never, close: never })
    watch(store.read('key'))
    const seen = watch(store.close())
    await vi.advanceTimersByTimeAsync(DEADLINE + 1)
    expect(seen.state).toBe('resolved')
  })

  test('ends within one deadline of its own start, though a call that began before hangs', async () => {
    const close = vi.fn<() => Promise<void>>(async () => undefined)
    const store = storeWith({ read: never, close })
    watch(store.read('key'))
    await vi.advanceTimersByTimeAsync(10)
    const seen = watch(store.close())
    await vi.advanceTimersByTimeAsync(DEADLINE - 5)
    expect(seen.state).toBe('resolved')
    expect(close).toHaveBeenCalledTimes(1)
  })

  test('ends every call that is in flight, though its timer would have come a moment later', async () => {
    const close = vi.fn<() => Promise<void>>(async () => undefined)
    const store = storeWith({ read: (key) => (key === 'stuck' ? never() : Promise.resolve(null)), close })
    // This call starts the timer that the next call shares.
    await store.read('quick')
    await vi.advanceTimersByTimeAsync(5)
    const reading = watch(store.read('stuck'))
    const closing = watch(store.close())
    await vi.advanceTimersByTimeAsync(DEADLINE)
    expect([reading.state, closing.state, close.mock.calls.length]).toEqual(['UNAVAILABLE', 'resolved', 1])
  })

  test('resolves though the backend cannot be closed', async () => {
    const store = storeWith({ close: () => Promise.reject(new Error('no')) })
    await expect(store.close()).resolves.toBeUndefined()
  })
})
