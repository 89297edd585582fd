import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CoreOptions, type Sessions, sessions } from '@sess/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { Browser } from '../support/browser.ts'
import { Clock, DAY } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { FailingStore } from '../support/failing-store.ts'
import { SECRET } from '../support/secret.ts'
import { Handling, serve } from '../support/served.ts'

/** How often the store is asked. */
const EVERY = 5

interface Watched<S extends CountedStore> {
  readonly store: S
  readonly clock: Clock
  readonly errors: readonly unknown[]
  /** Sessions in this process. */
  readonly sess: Sessions
  /** Sessions that share the store, as those of another process do. */
  readonly elsewhere: Sessions
  readonly browser: Browser
  readonly watch: (options?: { every: number }) => Promise<AbortSignal>
}

async function watchedOn<S extends CountedStore>(
  store: S,
  options: Partial<CoreOptions<string>> = {},
): Promise<Watched<S>> {
  const clock = new Clock()
  const errors: unknown[] = []
  const all = {
    secret: SECRET,
    clock: clock.read,
    owner: 'user',
    onError: (error: unknown) => void errors.push(error),
    ...options,
  }
  const any: CountedStore = store
  const [sess, elsewhere]: readonly [Sessions, Sessions] = [sessions(any, all), sessions(any, all)]
  onTestFinished(async () => {
    await sess.close()
    await elsewhere.close()
  })
  const browser = new Browser(sess)
  await browser.visit((session) => Object.assign(session, { user: 7 }))
  const watch = (given: { every: number } = { every: EVERY }) => sess.watch(requestOf(browser), given)
  return { store, clock, errors, sess, elsewhere, browser, watch }
}

/** A browser on this machine, whose session has begun. */
async function onPlainHttp(sess: Sessions): Promise<Browser> {
  const browser = new Browser(sess, { https: false })
  await browser.visit((session) => Object.assign(session, { user: 7 }))
  return browser
}

const requestOf = ({ cookie }: Browser): { headers: { cookie: string } } => ({ headers: { cookie } })

/** Resolves with true when the signal is aborted. */
const aborted = async (signal: AbortSignal): Promise<boolean> => {
  while (!signal.aborted) await sleep(1)
  return signal.aborted
}

/** Resolves when the store was asked so many more times. */
async function rounds(store: CountedStore, count: number): Promise<void> {
  const reads = () => store.methods.filter((method) => method === 'read').length
  const until = reads() + count
  while (reads() < until) await sleep(1)
}

describe('the signal of a watched session', () => {
  test('is aborted at once by a logout in this process', async () => {
    const { browser, watch } = await watchedOn(new CountedStore())
    const signal = await watch({ every: 30_000 })
    expect(signal.aborted).toBe(false)
    await browser.visit((session) => session.destroy())
    expect(signal.aborted).toBe(true)
  })

  test('is aborted at once by revoke in this process', async () => {
    const { sess, watch } = await watchedOn(new CountedStore())
    const signal = await watch({ every: 30_000 })
    await sess.owner(7).revoke()
    expect(signal.aborted).toBe(true)
  })

  test('is aborted when the session has expired', async () => {
    const { clock, watch } = await watchedOn(new CountedStore())
    const signal = await watch()
    clock.advance(DAY)
    expect(await aborted(signal)).toBe(true)
  })

  test('is aborted when the entry has gone from the store', async () => {
    const { store, watch } = await watchedOn(new CountedStore())
    const signal = await watch()
    await store.drain()
    expect(await aborted(signal)).toBe(true)
  })

  test('follows the session to its new token', async () => {
    const { browser, watch, store } = await watchedOn(new CountedStore())
    const signal = await watch()
    await browser.visit((session) => session.regenerate())
    await rounds(store, 3)
    expect(signal.aborted).toBe(false)
    await browser.visit((session) => session.destroy())
    expect(signal.aborted).toBe(true)
  })

  test('of a request with the old token is that of the session it moved to', async () => {
    const { browser, sess } = await watchedOn(new CountedStore())
    const old = requestOf(browser)
    await browser.visit((session) => session.regenerate())
    const signal = await sess.watch(old, { every: EVERY })
    expect(signal.aborted).toBe(false)
    await browser.visit((session) => session.destroy())
    expect(signal.aborted).toBe(true)
  })

  test.each<[what: string, value: number | undefined]>([
    ['is another’s', 8],
    ['is nobody’s', undefined],
  ])('is aborted when the session %s', async (_, value) => {
    const { browser, watch } = await watchedOn(new CountedStore())
    const signal = await watch()
    await browser.visit((session) => Object.assign(session, { user: value, theme: 'dark' }))
    expect(await aborted(signal)).toBe(true)
  })

  test('is not aborted by a login on a session that was nobody’s', async () => {
    const { sess, store } = await watchedOn(new CountedStore())
    const visitor = new Browser(sess)
    await visitor.visit((session) => Object.assign(session, { cart: [] }))
    const signal = await sess.watch(requestOf(visitor), { every: EVERY })
    await visitor.visit((session) => Object.assign(session, { user: 9 }))
    await rounds(store, 3)
    expect(signal.aborted).toBe(false)
  })

  test('is aborted already where there is no session', async () => {
    const { sess } = await watchedOn(new CountedStore())
    expect((await sess.watch({ headers: {} })).aborted).toBe(true)
  })

  test('is not aborted by a store that fails, and onError hears of it once', async () => {
    const { store, errors, watch, browser } = await watchedOn(new FailingStore())
    const signal = await watch()
    store.failing.add('read')
    const asked = errors.length
    while (errors.length === asked) await sleep(1)
    await sleep(10 * EVERY)
    expect(errors).toHaveLength(1)
    expect(signal.aborted).toBe(false)
    store.failing.clear()
    await browser.visit((session) => session.destroy())
    expect(signal.aborted).toBe(true)
  })
})

describe('watching', () => {
  test('asks the store no more once the signal is aborted', async () => {
    const { store, browser, watch } = await watchedOn(new CountedStore())
    await watch()
    await browser.visit((session) => session.destroy())
    store.take()
    await sleep(10 * EVERY)
    expect(store.take()).toEqual([])
  })

  test('asks the store no more once the sessions are closed', async () => {
    const { store, sess, watch } = await watchedOn(new CountedStore())
    await watch()
    await sess.close()
    store.take()
    await sleep(10 * EVERY)
    expect(store.take()).toEqual([])
  })

  test('ends with the sessions, and the reason says that they were closed, not that the session ended', async () => {
    const { sess, watch } = await watchedOn(new CountedStore())
    const signal = await watch()
    const closed = sess.close()
    expect(signal.reason).toMatchObject({ code: 'CLOSED' })
    await closed
  })

  test('that began while the sessions were closed ends at once', async () => {
    const { sess, watch } = await watchedOn(new CountedStore())
    const [signal] = await Promise.all([watch(), sess.close()])
    expect(signal.reason).toMatchObject({ code: 'CLOSED' })
  })

  test('asks once for a session that is watched many times', async () => {
    const { store, watch } = await watchedOn(new CountedStore())
    await Promise.all(Array.from({ length: 50 }, () => watch({ every: 20 })))
    await rounds(store, 1)
    store.take()
    await rounds(store, 5)
    expect(store.take().length).toBeLessThanOrEqual(6)
  })

  test('asks the store no more once the connection of Node’s request is closed', async () => {
    const { store, sess } = await watchedOn(new CountedStore())
    const browser = await onPlainHttp(sess)
    let signal: AbortSignal | undefined
    const handling = new Handling(async (req, res) => {
      signal = await sess.watch(req, { every: EVERY })
      res.flushHeaders()
    })
    const port = await serve(handling.listener)
    const headers = { cookie: browser.cookie }
    const response = await new Promise<IncomingMessage>((resolve) => get({ port, host: '127.0.0.1', headers }, resolve))
    await rounds(store, 2)
    response.destroy()
    await sleep(10 * EVERY)
    store.take()
    await sleep(10 * EVERY)
    expect(store.take()).toEqual([])
    expect(signal?.aborted).toBe(false)
  })

  test('asks the store no more once the signal of a fetch request is aborted', async () => {
    const { store, sess } = await watchedOn(new CountedStore())
    const browser = await onPlainHttp(sess)
    const client = new AbortController()
    const request = new Request('http://localhost/', { headers: { cookie: browser.cookie }, signal: client.signal })
    const signal = await sess.watch(request, { every: EVERY })
    await rounds(store, 2)
    client.abort()
    await sleep(10 * EVERY)
    store.take()
    await sleep(10 * EVERY)
    expect(store.take()).toEqual([])
    expect(signal.aborted).toBe(false)
  })

  test.each([0, '31s', 'soon', null, Number.NaN])('is not done every %j', async (every) => {
    const { sess, browser } = await watchedOn(new CountedStore())
    const failure = await failureOf(() => Reflect.apply(sess.watch, sess, [requestOf(browser), { every }]))
    expect(failure.code).toBe('INVALID_OPTION')
    expect(failure.message).toContain('watch.every')
  })

  test('needs a store on a server', async () => {
    const sess: Sessions = sessions('cookie', { secret: SECRET })
    expect((await failureOf(sess.watch({ headers: {} }))).code).toBe('INVALID_OPTION')
  })
})
