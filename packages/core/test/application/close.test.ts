import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import cookie from '@sess/adapter-cookie'
import { type Sessions, sessions } from '@sess/core'
import type { ServerStore } from '@sess/core/adapter'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Browser } from '../support/browser.ts'
import { Clock, MINUTE } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { SECRET } from '../support/secret.ts'
import { TroubledStore } from '../support/troubled-store.ts'

afterEach(() => void vi.useRealTimers())

/** Sessions whose adapter made the store, so that close() closes it. */
function owning(store: ServerStore): Sessions {
  return sessions(() => store, { secret: SECRET })
}

/** Whether a promise has settled, checked after pending work has had a chance to run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open')
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => void setImmediate(resolve))
  return (await Promise.race([promise, Promise.resolve(open)])) !== open
}

describe('after close', () => {
  test.each<[string, () => Sessions]>([
    ['memory', () => owning(new CountedStore())],
    ['cookie', () => sessions(cookie, { secret: SECRET })],
  ])('every call is CLOSED, on the %s store', async (_, start) => {
    const sess = start()
    const handle = sess.fetch(async (request) => Response.json(await sess.open(request)))
    await sess.close()
    const request = new Request('https://example.com/', { headers: { cookie: 'a=b' } })
    expect((await failureOf(sess.exchange(null).open())).code).toBe('CLOSED')
    expect((await failureOf(sess.exchange('__Host-sess=x').open())).code).toBe('CLOSED')
    expect((await failureOf(sess.read(request))).code).toBe('CLOSED')
    expect((await failureOf(handle(request))).code).toBe('CLOSED')
  })

  test('a change to a session that was opened before is CLOSED, if the adapter made the store', async () => {
    const sess = owning(new CountedStore())
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), { user: 7 })
    await sess.close()
    expect((await failureOf(exchange.commit(200))).code).toBe('CLOSED')
  })

  test('closing again does nothing', async () => {
    const store = new CountedStore()
    const sess = owning(store)
    await Promise.all([sess.close(), sess.close()])
    await sess.close()
    expect(store.take()).toEqual(['close'])
  })

  test('a store that was passed in is still open', async () => {
    const store = new CountedStore()
    const [one, other] = [sessions(store, { secret: SECRET }), sessions(store, { secret: SECRET })]
    const browser = new Browser(one)
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    await one.close()
    expect(store.take()).toEqual(['create'])
    expect(await browser.at(other).see()).toEqual({ user: 7 })
  })

  test('by asyncDispose, the store is closed too', async () => {
    const store = new CountedStore()
    const sess = owning(store)
    await sess[Symbol.asyncDispose]()
    expect(store.take()).toEqual(['close'])
    expect((await failureOf(sess.exchange(null).open())).code).toBe('CLOSED')
  })
})

describe('close waits', () => {
  test('for a commit that is under way, which is stored', async () => {
    const store = new TroubledStore()
    const sess = owning(store)
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), { user: 7 })
    store.stall()
    const commit = exchange.commit(200)
    await store.reached
    const close = sess.close()
    expect(await isSettled(close)).toBe(false)
    store.release()
    expect((await commit).map(([name]) => name)).toContain('set-cookie')
    await close
    expect(store.take()).toEqual(['create', 'close'])
  })

  test('for a save that is under way', async () => {
    const store = new TroubledStore()
    const sess = owning(store)
    const session = await sess.exchange(null).open()
    session['user'] = 7
    store.stall()
    const save = session.save()
    await store.reached
    const close = sess.close()
    expect(await isSettled(close)).toBe(false)
    store.release()
    await save
    await close
    expect(store.take()).toEqual(['create', 'close'])
  })

  test('for a login that begins when another commit has ended', async () => {
    const store = new TroubledStore()
    const sess = owning(store)
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, { cart: 'full' }))
    const [first, second] = [sess.exchange(null), sess.exchange(browser.cookie)]
    Object.assign(await first.open(), { user: 7 })
    Object.assign(await second.open(), { user: 8 }).regenerate()
    store.take()
    store.stall()
    const commits = first.commit(200).then(() => second.commit(200))
    await store.reached
    const close = sess.close()
    store.release()
    expect((await commits).map(([name]) => name)).toContain('set-cookie')
    await close
    expect(store.take()).toEqual(['create', 'create', 'update', 'close'])
  })

  test('for a commit that fails, and does not fail itself', async () => {
    const store = new TroubledStore()
    const sess = owning(store)
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), { user: 7 })
    store.stall()
    store.isDown = true
    const failure = failureOf(exchange.commit(200))
    await store.reached
    const close = sess.close()
    store.release()
    expect((await failure).code).toBe('UNAVAILABLE')
    await close
    expect(store.take()).toEqual(['close'])
  })
})

describe('a server store with no expiry of its own', () => {
  class Pruned extends CountedStore {
    readonly times: number[] = []

    async prune(now: number): Promise<number> {
      this.times.push(now)
      return 0
    }
  }

  test('is pruned each minute by the clock of the application, until it is closed', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const clock = new Clock()
    const store = new Pruned()
    const sess = sessions(store, { secret: SECRET, clock: clock.read })
    vi.advanceTimersByTime(2 * MINUTE)
    expect(store.times).toEqual([clock.now, clock.now])
    await sess.close()
    vi.advanceTimersByTime(10 * MINUTE)
    expect(store.times).toHaveLength(2)
  })

  test('is pruned again after a failure, which onError receives', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const store = new Pruned()
    const prune = vi.spyOn(store, 'prune').mockRejectedValueOnce(new Error('down'))
    const onError = vi.fn<(error: unknown) => void>()
    const sess = sessions(store, { secret: SECRET, onError })
    vi.advanceTimersByTime(2 * MINUTE)
    await isSettled(Promise.resolve())
    expect(prune).toHaveBeenCalledTimes(2)
    expect(onError.mock.calls).toEqual([[new Error('down')]])
    await sess.close()
  })
})

describe('a process', () => {
  const USE = `
    import { sessions } from '@sess/core'
    const sess = sessions('memory', { secret: '${SECRET}' })
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), { user: 7 })
    console.log((await exchange.commit(200)).length)
  `

  test.each([
    ['that closes its sessions', `${USE}; await sess.close()`],
    ['that closes them by asyncDispose', `${USE}; await sess[Symbol.asyncDispose]()`],
    ['that never closes them', USE],
    ['that has them off', `import { sessions } from '@sess/core'; console.log(3); await sessions(false).close()`],
  ])('%s can exit', async (_, program) => {
    const args = ['--input-type=module', '--eval', program]
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
      cwd: import.meta.dirname,
      timeout: 15_000,
    })
    expect({ stdout, stderr }).toEqual({ stdout: '3\n', stderr: '' })
  })
})
