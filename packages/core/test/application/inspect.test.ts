import { type CoreOptions, type Headers, type Sessions, sessions } from '@sess/core'
import type { FormerSessions } from '@sess/core/adapter'
import { describe, expect, test, vi } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { Clock, HOUR } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { FailingStore } from '../support/failing-store.ts'
import { OTHER_SECRET, SECRET } from '../support/secret.ts'

const cookieIn = (headers: Headers): string | undefined =>
  headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0]

/** Begins a session, and resolves with its cookie, as `NAME=VALUE`. */
async function begin(sess: Sessions): Promise<string> {
  const exchange = sess.exchange(null)
  Object.assign(await exchange.open(), { user: 7, cart: ['emma'] })
  return cookieIn(await exchange.commit(200)) ?? ''
}

const valueOf = (cookie: string) => cookie.slice(cookie.indexOf('=') + 1)

/** Sessions on a store of either kind, by a clock that the test sets. */
const STORES: readonly [string, (clock: Clock, options?: Partial<CoreOptions>) => Sessions][] = [
  ['a server', (clock, options) => sessions(new CountedStore(), { secret: SECRET, clock: clock.read, ...options })],
  ['browsers', (clock, options) => sessions('cookie', { secret: SECRET, clock: clock.read, ...options })],
]

describe.each(STORES)('inspect, of a store that %s hold', (_, start) => {
  test.each<[string, (cookie: string) => string]>([
    ['NAME=VALUE', (cookie) => cookie],
    ['a Cookie header with others', (cookie) => `a=1; ${cookie}; b="2"`],
    ['the name without its prefix', (cookie) => cookie.replace('__Host-', '')],
    ['the value alone', valueOf],
  ])('takes %s', async (_form, form) => {
    const sess = start(new Clock())
    expect((await sess.inspect(form(await begin(sess))))?.data).toEqual({ user: 7, cart: ['emma'] })
  })

  test('resolves with when the session began, was last used, and ends, and with its name', async () => {
    const clock = new Clock()
    const sess = start(clock, { idleTimeout: '2h' })
    const began = clock.now
    const cookie = await begin(sess)
    const exchange = sess.exchange(cookie)
    const session = await exchange.open()
    clock.advance(HOUR)
    session['user'] = 8
    // Only a store that browsers hold sends another one.
    const details = await sess.inspect(cookieIn(await exchange.commit(200)) ?? cookie)
    expect(details).toMatchObject({
      id: sess.id(session),
      startedAt: new Date(began),
      lastUsedAt: new Date(began + HOUR),
      expiresAt: new Date(began + 3 * HOUR),
    })
  })

  test.each<[string, (cookie: string) => string]>([
    ['nothing', () => ''],
    ['a cookie of another name', (cookie) => `other=1; theme=${valueOf(cookie)}`],
    ['an altered value', (cookie) => `${cookie.slice(0, -9)}AAAAAAAAA`],
    ['what is no cookie', () => 'Not a cookie; at all'],
  ])('resolves with null for %s', async (_what, form) => {
    const sess = start(new Clock())
    expect(await sess.inspect(form(await begin(sess)))).toBe(null)
  })

  test('resolves with null for a session that is over, and for one of another secret', async () => {
    const clock = new Clock()
    const sess = start(clock, { idleTimeout: '2h' })
    const cookie = await begin(sess)
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    expect(await start(clock, { secret: OTHER_SECRET }).inspect(cookie)).toBe(null)
    clock.advance(2 * HOUR)
    expect(await sess.inspect(cookie)).toBe(null)
  })

  test('shows data that cannot be changed', async () => {
    const sess = start(new Clock())
    const details = await sess.inspect(await begin(sess))
    expect(() => Reflect.set(details?.data ?? {}, 'user', 8)).toThrow(expect.objectContaining({ code: 'READ_ONLY' }))
  })

  test('takes over no session of another library', async () => {
    const find = vi.fn<FormerSessions['find']>()
    const sess = start(new Clock(), { migrate: [{ name: 'old', cookies: [{ name: 'old' }], keep: false, find }] })
    expect(await sess.inspect('old=1; sess=2')).toBe(null)
    expect(find).not.toHaveBeenCalled()
  })

  test('rejects with INVALID_VALUE for a request, which is no text', async () => {
    const error = await failureOf(Reflect.apply(start(new Clock()).inspect, start(new Clock()), [{ headers: {} }]))
    expect(error).toMatchObject({ code: 'INVALID_VALUE', message: expect.stringContaining('it was given an object') })
  })
})

describe('inspect', () => {
  test('reads a store on a server once, and does not extend the session', async () => {
    const clock = new Clock()
    const store = new CountedStore()
    const sess = sessions(store, { secret: SECRET, clock: clock.read, idleTimeout: '2h' })
    const cookie = await begin(sess)
    store.take()
    clock.advance(HOUR)
    const before = await sess.inspect(cookie)
    expect(await sess.inspect(cookie)).toEqual(before)
    expect(store.take()).toEqual(['read', 'read'])
    clock.advance(HOUR)
    expect(await sess.inspect(cookie)).toBe(null)
  })

  test('rejects with the error of a store that fails', async () => {
    const store = new FailingStore()
    const sess = sessions(store, { secret: SECRET })
    const cookie = await begin(sess)
    store.failing.add('read')
    expect(await failureOf(sess.inspect(cookie))).toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('rejects with DISABLED where sessions are off', async () => {
    expect(await failureOf(sessions(false).inspect('sess=1'))).toMatchObject({ code: 'DISABLED' })
  })
})
