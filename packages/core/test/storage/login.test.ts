import { describe, expect, test } from 'vitest'
import { begin, beginOn, type Handler } from '../support/arrival.ts'
import { Browser } from '../support/browser.ts'
import { Clock, MINUTE } from '../support/clock.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { FailingStore } from '../support/failing-store.ts'

const DATA = { theme: 'dark', visits: 1 }

const login: Handler = (session) => {
  session['user'] = 7
  session.regenerate()
}
const change: Handler = (session) => (session['theme'] = 'light')
const logout: Handler = (session) => session.destroy()
const count = (value: unknown): number => (typeof value === 'number' ? value + 1 : 1)

describe('a login', () => {
  test('moves the session to a new token, with what it held', async () => {
    const { browser } = await begin(DATA)
    const before = browser.token
    await browser.visit(login)
    expect(browser.token).not.toBe(before)
    expect(await browser.see()).toEqual({ ...DATA, user: 7 })
  })

  test('that changes nothing moves it as well', async () => {
    const { browser } = await begin(DATA)
    const before = browser.token
    await browser.visit((session) => session.regenerate())
    expect(browser.token).not.toBe(before)
    expect(await browser.see()).toEqual(DATA)
  })

  test('shows nothing under the old token that it or a later request stored', async () => {
    const { browser, copy } = await begin(DATA)
    const old = copy()
    await browser.visit(login)
    await browser.visit((session) => (session['secret'] = 'after'))
    expect(await old.see()).toEqual(DATA)
  })

  test('leaves nothing at all under the old token after a minute', async () => {
    const clock = new Clock()
    const { browser, copy } = await begin(DATA, { clock: clock.read })
    const old = copy()
    await browser.visit(login)
    clock.advance(MINUTE)
    expect(await old.see()).toEqual({})
  })

  test('gives the session another name in logs', async () => {
    const { sess, browser } = await begin(DATA)
    const name = () => browser.visit((session) => sess.id(session))
    const before = await name()
    await browser.visit(login)
    expect(await name()).not.toBe(before)
  })

  test('costs three store commands in addition to the read', async () => {
    const { store, browser } = await begin(DATA)
    store.take()
    await browser.visit(login)
    expect(store.methods).toEqual(['read', 'create', 'update'])
  })

  test('without a session begins one', async () => {
    const { sess } = await begin(DATA)
    const browser = new Browser(sess)
    await browser.visit(login)
    expect(await browser.see()).toEqual({ user: 7 })
  })

  test('without a session and without changes stores nothing', async () => {
    const { store, sess } = await begin(DATA)
    store.take()
    const browser = new Browser(sess)
    await browser.visit((session) => session.regenerate())
    expect({ calls: store.methods, cookies: browser.jar.size }).toEqual({ calls: [], cookies: 0 })
  })

  test('twice in one request ends the token of the first login', async () => {
    const { store, sess, browser } = await begin(DATA)
    await browser.visit(async (session) => {
      login(session)
      await session.save()
      session.regenerate()
    })
    const alive = await Promise.all(
      store.calls
        .filter(({ method }) => method === 'create')
        .map(async ({ key = '' }) => (await store.read(key))?.data),
    )
    expect(alive.filter((data) => data?.startsWith('['))).toHaveLength(1)
    expect(await browser.at(sess).see()).toEqual({ ...DATA, user: 7 })
  })

  test('carries over what another request stores while it is under way', async () => {
    const { arrive, copy } = await begin(DATA)
    const { session, answer, next } = await arrive()
    login(session)
    await copy().visit((other) => (other['cart'] = ['book']))
    await answer()
    expect(await next()).toEqual({ ...DATA, user: 7, cart: ['book'] })
  })

  test('conflicts if it rewrites what another request has changed, and leaves the session as it is', async () => {
    const { store, browser, arrive, copy } = await begin(DATA)
    const { session, answer } = await arrive()
    session['visits'] = count(session['visits'])
    login(session)
    await copy().visit((other) => (other['visits'] = 5))
    const error = await failureOf(answer())
    expect({ code: error.code, data: await browser.see(), entries: await store.drain() }).toEqual({
      code: 'CONFLICT',
      data: { ...DATA, visits: 5 },
      entries: 1,
    })
  })
})

describe('a request that still holds the old token', () => {
  const late: readonly [string, Handler][] = [
    ['an assignment', change],
    ['a removal', (session) => delete session['theme']],
    ['an update', (session) => session.update('visits', count)],
    ['a logout', logout],
    [
      'a change of user',
      (session) => {
        session.destroy()
        session['user'] = 8
      },
    ],
    ['a login', login],
  ]

  test.each(late)('and came before the login: %s is a CONFLICT', async (_, handler) => {
    const { browser, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    handler(session)
    await browser.visit(login)
    expect((await failureOf(answer())).code).toBe('CONFLICT')
    expect(await browser.see()).toEqual({ ...DATA, user: 7 })
  })

  test.each(late.filter(([name]) => name !== 'a removal'))(
    'and comes after the login: %s is a CONFLICT',
    async (_, handler) => {
      const { browser, copy } = await begin(DATA)
      const old = copy()
      await browser.visit(login)
      expect((await failureOf(old.visit(handler))).code).toBe('CONFLICT')
      expect(await browser.see()).toEqual({ ...DATA, user: 7 })
    },
  )

  test('may read, and sees what the session held when it moved', async () => {
    const { browser, copy } = await begin(DATA)
    const old = copy()
    await browser.visit(login)
    expect(await old.see()).toEqual(DATA)
    expect(old.setCookie).toBeUndefined()
  })

  test('sees that also after the session has moved once more', async () => {
    const { browser, copy } = await begin(DATA)
    const old = copy()
    await browser.visit(login)
    await browser.visit((session) => session.regenerate())
    expect(await old.see()).toEqual(DATA)
  })

  test.each<[what: string, end: Handler]>([
    ['logged out', logout],
    ['replaced by that of another user', (session) => Object.assign((session.destroy(), session), { user: 8 })],
  ])('sees nothing once the session it moved to was %s', async (_, end) => {
    const { browser, copy } = await begin(DATA)
    const old = copy()
    await browser.visit(login)
    await browser.visit(end)
    expect(await old.see()).toEqual({})
    expect((await failureOf(old.visit(change))).code).toBe('CONFLICT')
  })

  test('sees nothing once the session it moved to has expired', async () => {
    const clock = new Clock()
    const { browser, copy } = await begin(DATA, { clock: clock.read, idleTimeout: '30s' })
    const old = copy()
    await browser.visit(login)
    clock.advance(30_000)
    expect(await old.see()).toEqual({})
  })

  test('cannot renew its token, which an attacker may have', async () => {
    const { browser, copy } = await begin(DATA)
    const old = copy()
    await browser.visit(login)
    await old.visit((session) => session.regenerate())
    expect(old.setCookie).toBeUndefined()
    expect(await browser.see()).toEqual({ ...DATA, user: 7 })
  })

  test('and renewed it while a login moved the session, sends no cookie', async () => {
    const { browser, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    session.regenerate()
    await browser.visit(login)
    expect(await answer()).not.toContainEqual(['set-cookie', expect.anything()])
    expect(await browser.see()).toEqual({ ...DATA, user: 7 })
  })

  test('and saves a login that the old token can no longer do, begins no session by a later change', async () => {
    const { browser, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    session.regenerate()
    await browser.visit(login)
    await session.save()
    change(session)
    expect((await failureOf(answer())).code).toBe('CONFLICT')
  })

  test('gets an error that says to try again with the new cookie', async () => {
    const { browser, copy } = await begin(DATA)
    const old = copy()
    await browser.visit(login)
    const { message } = await failureOf(old.visit(change))
    expect(message).toContain('Try the request again with the new cookie')
  })

  test('finds no session if the login was a change of user, and begins none', async () => {
    const { browser, copy } = await begin(DATA)
    const old = copy()
    await browser.visit((session) => {
      session.destroy()
      session['user'] = 8
    })
    expect(await old.see()).toEqual({})
    expect((await failureOf(old.visit(change))).code).toBe('CONFLICT')
    expect(await browser.see()).toEqual({ user: 8 })
  })
})

describe('a login on a store that fails', () => {
  test.each(['create', 'update'] as const)('at %s is UNAVAILABLE, and the session is as before', async (method) => {
    const { store, browser } = await beginOn(new FailingStore(), DATA)
    store.failing.add(method)
    const error = await failureOf(browser.visit(login))
    store.failing.clear()
    expect({ code: error.code, data: await browser.see() }).toEqual({ code: 'UNAVAILABLE', data: DATA })
  })

  test('at the read that a conflict with another request requires leaves the session as that request stored it', async () => {
    const { store, browser, arrive, copy } = await beginOn(new FailingStore(), DATA)
    const { session, answer } = await arrive()
    login(session)
    await copy().visit(change)
    store.failing.add('read')
    const error = await failureOf(answer())
    store.failing.clear()
    expect({ code: error.code, data: await browser.see() }).toEqual({
      code: 'UNAVAILABLE',
      data: { ...DATA, theme: 'light' },
    })
  })
})
