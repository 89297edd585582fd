import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type CoreOptions, type Sessions, sessions } from '@sess/core'
import type { Adapter } from '@sess/core/adapter'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { Browser } from '../support/browser.ts'
import { Clock, MINUTE } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { thrownBy } from '../support/failure.ts'
import { OTHER_SECRET, SECRET } from '../support/secret.ts'
import { Signal } from '../support/signal.ts'
import { TroubledStore } from '../support/troubled-store.ts'

afterEach(() => void vi.useRealTimers())

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
}

/** An adapter that takes any options, and the stores that it has made. */
function counting<S extends CountedStore>(make: () => S) {
  const made: S[] = []
  const adapter: Adapter<Readonly<Record<string, unknown>>> = () => {
    const store = make()
    made.push(store)
    return store
  }
  const start = (options: Readonly<Record<string, unknown>> & Partial<CoreOptions> = {}): Sessions => {
    const sess = sessions(adapter, { secret: SECRET, ...options })
    onTestFinished(() => sess.close())
    return sess
  }
  return { adapter, made, start }
}

/** How many stores two calls with these options open. */
function storesFor(one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): number {
  const { made, start } = counting(() => new CountedStore())
  start(one)
  start(other)
  return made.length
}

describe('two calls of sessions() open one store', () => {
  test.each<[string, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]>([
    ['without options', {}, {}],
    ['with equal options in another order', { url: 'a', size: 1 }, { size: 1, url: 'a' }],
    ['with an option that is undefined', { url: 'a' }, { url: 'a', size: undefined }],
    ['with equal plain data', { a: [{ b: [1, 'x', true, null] }] }, { a: [{ b: [1, 'x', true, null] }] }],
    ['with equal objects in another order', { a: { b: 1, c: 2 } }, { a: { c: 2, b: 1 } }],
    ['with an object without a prototype', { a: Object.assign(Object.create(null), { b: 1 }) }, { a: { b: 1 } }],
    ['with other timeouts', { idleTimeout: '1h' }, { idleTimeout: '2h' }],
    ['with another clock and onError', { clock: () => 1, onError: () => 1 }, { clock: () => 2, onError: () => 2 }],
    ['with the secret in an array', { secret: [SECRET, undefined] }, { secret: SECRET }],
  ])('%s', (_, one, other) => {
    expect(storesFor(one, other)).toBe(1)
  })

  test('with the same client, function and what holds it', () => {
    const client = new Map()
    const hook = () => 'x'
    const nested = { deep: { hook } }
    expect(storesFor({ client, hook, nested }, { client, hook, nested })).toBe(1)
  })
})

describe('two calls of sessions() open a store each', () => {
  const hook = () => 'x'
  const circle: unknown[] = []
  circle.push(circle)
  const otherCircle: unknown[] = []
  otherCircle.push(otherCircle)

  test.each<[string, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]>([
    ['another secret', { secret: SECRET }, { secret: OTHER_SECRET }],
    ['one secret more', { secret: SECRET }, { secret: [SECRET, OTHER_SECRET] }],
    ['another cookie name', { cookie: { name: 'one' } }, { cookie: { name: 'two' } }],
    ['another option', { url: 'a' }, { url: 'b' }],
    ['another option deep inside', { a: [{ b: 1 }] }, { a: [{ b: 2 }] }],
    ['another order of an array', { a: [1, 2] }, { a: [2, 1] }],
    ['an array for an object', { a: ['x'] }, { a: { 0: 'x' } }],
    ['a longer array', { a: [1] }, { a: [1, undefined] }],
    ['a number for a text', { a: 1 }, { a: '1' }],
    ['null for a text', { a: null }, { a: 'null' }],
    ['a name that ends elsewhere', { ab: 'c' }, { a: 'bc' }],
    ['another function', { hook: () => 'x' }, { hook: () => 'x' }],
    ['another object with the same function', { a: { hook } }, { a: { hook } }],
    ['another instance of a class', { client: new Map() }, { client: new Map() }],
    ['another date', { a: new Date(1) }, { a: new Date(2) }],
    ['what its keys do not show', { a: { [Symbol('s')]: 1 } }, { a: { [Symbol('s')]: 2 } }],
    ['another circle', { circle }, { circle: otherCircle }],
  ])('with %s', (_, one, other) => {
    expect(storesFor(one, other)).toBe(2)
  })
})

describe('two adapters are the same', () => {
  const storesOf = (one: string | undefined, other: string | undefined): number => {
    const copies = [counting(() => new CountedStore()), counting(() => new CountedStore())]
    for (const [index, id] of [one, other].entries()) Object.assign(copies[index]?.adapter ?? {}, { id })
    for (const { start } of copies) start()
    return copies.flatMap(({ made }) => made).length
  }

  test('if they have one id, as copies of one package do', () => {
    expect(storesOf('share-test@1.0.0', 'share-test@1.0.0')).toBe(1)
  })

  test.each([
    ['share-test@1.0.0', 'share-test@1.0.1'],
    ['share-test@1.0.0', undefined],
    [undefined, undefined],
  ])('not if their ids are %s and %s', (one, other) => {
    expect(storesOf(one, other)).toBe(2)
  })

  test('if one is named and the other is passed in', async () => {
    const { default: memory } = await import('@sess/adapter-memory')
    const [one, other] = [sessions('memory', { secret: SECRET }), sessions(memory, { secret: SECRET })]
    const session = await one.exchange(null).open()
    expect(other.id(session)).toBe(one.id(session))
    const request = new Request('https://example.com/')
    const response = await one.fetch(async () => {
      Object.assign(await one.open(request), { a: 1 })
      return Response.json(await other.open(request))
    })(request)
    expect(await response.json()).toEqual({ a: 1 })
    await Promise.all([one.close(), other.close()])
  })
})

/** Begins a commit that the store holds back. Returns what resolves when it has ended. */
async function stalledCommit(sess: Sessions, store?: TroubledStore): Promise<{ readonly ended: Promise<unknown> }> {
  const exchange = sess.exchange(null)
  Object.assign(await exchange.open(), { user: 7 })
  store?.stall()
  const ended = exchange.commit(200)
  await store?.reached
  return { ended }
}

describe('a store that several use', () => {
  test('is closed when the last of them is closed, once', async () => {
    const { made, start } = counting(() => new CountedStore())
    const [one, other] = [start(), start()]
    await Promise.all([one.close(), one.close()])
    const browser = new Browser(other)
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    expect(made[0]?.take()).toEqual(['create'])
    await Promise.all([other.close(), one.close()])
    expect(made[0]?.take()).toEqual(['close'])
  })

  test('is closed although a module that was replaced has never closed its sessions', async () => {
    const { adapter, made, start } = counting(() => new CountedStore())
    const forget = () => new WeakRef(sessions(adapter, { secret: SECRET }))
    const forgotten = forget()
    const last = start()
    await vi.waitFor(() => {
      collectGarbage()
      // An assertion about the object itself would keep it.
      expect(forgotten.deref() === undefined).toBe(true)
    })
    await last.close()
    expect(made.map((store) => store.take())).toEqual([['close']])
  })

  test('takes no more changes of those that are closed', async () => {
    const { made, start } = counting(() => new CountedStore())
    const [one] = [start(), start()]
    const exchange = one.exchange(null)
    Object.assign(await exchange.open(), { user: 7 })
    await one.close()
    expect((await failureOf(exchange.commit(200))).code).toBe('CLOSED')
    expect((await failureOf(one.exchange(null).open())).code).toBe('CLOSED')
    expect(made[0]?.take()).toEqual([])
  })

  test('is closed after the commits of the last, and nobody waits for those of another', async () => {
    const { made, start } = counting(() => new TroubledStore())
    const [one, other] = [start(), start()]
    const { ended } = await stalledCommit(one, made[0])
    const close = one.close()
    await other.close()
    expect(made[0]?.take()).toEqual([])
    made[0]?.release()
    await Promise.all([ended, close])
    expect(made[0]?.take()).toEqual(['create', 'close'])
  })

  test('is given to those who come while the last waits for its commits', async () => {
    const { made, start } = counting(() => new TroubledStore())
    const one = start()
    const { ended } = await stalledCommit(one, made[0])
    const close = one.close()
    const other = start()
    made[0]?.release()
    await Promise.all([ended, close])
    expect(made).toHaveLength(1)
    await new Browser(other).visit((session) => Object.assign(session, { user: 8 }))
    expect(made[0]?.take()).toEqual(['create', 'create'])
  })

  test('is not given to those who come while it closes, nor after', async () => {
    const [began, closing] = [new Signal(), new Signal()]
    class Slow extends CountedStore {
      override async close(): Promise<void> {
        began.fire()
        await closing.happened
        return super.close()
      }
    }
    const { made, start } = counting(() => new Slow())
    const close = start().close()
    await began.happened
    start()
    expect(made).toHaveLength(2)
    closing.fire()
    await close
    const [, second] = made
    await new Browser(start()).visit((session) => Object.assign(session, { user: 8 }))
    expect(made).toHaveLength(2)
    expect(second?.take()).toEqual(['create'])
  })

  test('is opened again after it was closed', async () => {
    const { made, start } = counting(() => new CountedStore())
    for (const round of [1, 2]) {
      const sess = start()
      await new Browser(sess).visit((session) => Object.assign(session, { user: round }))
      await sess.close()
    }
    const once = ['create', 'close']
    expect(made.map((store) => store.take())).toEqual([once, once])
  })

  test('is refused to a slice that does not accept what it lacks, and stays with the other', async () => {
    const { made, start } = counting(() => Object.assign(new CountedStore(), { lacks: ['atomic'] as const }))
    const one = start({ accept: ['atomic'] })
    expect(thrownBy(() => start()).message).toContain('is not atomic')
    await one.close()
    expect(made.map((store) => store.take())).toEqual([['close']])
  })

  test('that the application made is shared with nobody, and stays open', async () => {
    const store = new CountedStore()
    const [one, other] = [sessions(store, { secret: SECRET }), sessions(store, { secret: SECRET })]
    await Promise.all([one.close(), other.close()])
    expect(store.take()).toEqual([])
  })
})

describe('pruning a store that several use', () => {
  class Pruned extends CountedStore {
    readonly times: number[] = []

    async prune(now: number): Promise<number> {
      this.times.push(now)
      return 0
    }
  }

  test('is done once a minute, by the clock that is behind, until the last is closed', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { made, start } = counting(() => new Pruned())
    const clocks = [new Clock(), new Clock()]
    clocks[0]?.advance(MINUTE)
    const [ahead, behind] = clocks.map(({ read }) => start({ clock: read }))
    vi.advanceTimersByTime(MINUTE)
    await behind?.close()
    vi.advanceTimersByTime(MINUTE)
    expect(made.map(({ times }) => times)).toEqual([[clocks[1]?.now, clocks[0]?.now]])
    await ahead?.close()
    vi.advanceTimersByTime(10 * MINUTE)
    expect(made[0]?.times).toHaveLength(2)
  })

  test('that fails is reported by one of them', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { made, start } = counting(() => new Pruned())
    const onErrors = [vi.fn<(error: unknown) => void>(), vi.fn<(error: unknown) => void>()]
    for (const onError of onErrors) start({ onError })
    for (const store of made) vi.spyOn(store, 'prune').mockRejectedValue(new Error('down'))
    vi.advanceTimersByTime(MINUTE)
    await vi.waitFor(() => expect(onErrors.flatMap(({ mock }) => mock.calls)).toEqual([[new Error('down')]]))
  })
})
