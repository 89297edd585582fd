import { describe, expect, test } from 'vitest'
import { begin, beginOn, type Handler } from './support/arrival.ts'
import { Browser } from './support/browser.ts'
import { Clock, DAY, HOUR } from './support/clock.ts'
import { rejectionOf } from './support/failure.ts'
import { TroubledStore } from './support/troubled-store.ts'

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

  test('leaves nothing to see under the old token', async () => {
    const { browser, copy } = await begin(DATA)
    const old = copy()
    await browser.visit(login)
    expect(await old.see()).toEqual({})
  })

  test('leaves none of the data in the entry of the old token', async () => {
    const { store, browser } = await begin(DATA)
    const key = store.calls[0]?.key ?? ''
    await browser.visit(login)
    expect((await store.read(key))?.data).toBe('null')
  })

  test('gives the session another name in logs', async () => {
    const { sess, browser } = await begin(DATA)
    const name = () => browser.visit((session) => sess.id(session))
    const before = await name()
    await browser.visit(login)
    expect(await name()).not.toBe(before)
  })

  test('costs three store commands beside the read', async () => {
    const { store, browser } = await begin(DATA)
    store.take()
    await browser.visit(login)
    expect(store.methods).toEqual(['read', 'create', 'update'])
  })

  test('where there is no session begins one', async () => {
    const { sess } = await begin(DATA)
    const browser = new Browser(sess)
    await browser.visit(login)
    expect(await browser.see()).toEqual({ user: 7 })
  })

  test('where there is no session, and none is begun, stores nothing', async () => {
    const { store, sess } = await begin(DATA)
    store.take()
    const browser = new Browser(sess)
    await browser.visit((session) => session.regenerate())
    expect({ calls: store.methods, cookies: browser.jar.size }).toEqual({ calls: [], cookies: 0 })
  })

  test('again in the same request ends the token between', async () => {
    const { store, sess, browser } = await begin(DATA)
    await browser.visit(async (session) => {
      login(session)
      await session.save()
      session.regenerate()
    })
    const alive = await Promise.all(
      store.calls.filter(({ method }) => method === 'create').map(async ({ key = '' }) => (await store.read(key))?.data),
    )
    expect(alive.filter((data) => data !== 'null')).toHaveLength(1)
    expect(await browser.at(sess).see()).toEqual({ ...DATA, user: 7 })
  })

  test('carries over what another request stores while it is under way', async () => {
    const { browser, arrive, copy } = await begin(DATA)
    const { session, answer } = await arrive()
    login(session)
    await copy().visit((other) => (other['cart'] = ['book']))
    const [cookie] = await answer()
    browser.jar.clear()
    const [name = '', value = ''] = cookie?.[1].split(/[=;]/) ?? []
    browser.jar.set(name, value)
    expect(await browser.see()).toEqual({ ...DATA, user: 7, cart: ['book'] })
  })

  test('conflicts where it rewrites what another request has changed, and leaves the session as it is', async () => {
    const { store, browser, arrive, copy } = await begin(DATA)
    const { session, answer } = await arrive()
    session['visits'] = count(session['visits'])
    login(session)
    await copy().visit((other) => (other['visits'] = 5))
    const error = await rejectionOf(answer())
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
    ['a change of user', (session) => {
      session.destroy()
      session['user'] = 8
    }],
  ]

  test.each(late)('and came before the login: %s is a CONFLICT', async (_, handler) => {
    const { browser, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    handler(session)
    await browser.visit(login)
    expect((await rejectionOf(answer())).code).toBe('CONFLICT')
    expect(await browser.see()).toEqual({ ...DATA, user: 7 })
  })

  test.each(late.filter(([name]) => name !== 'a removal'))(
    'and comes after the login: %s is a CONFLICT',
    async (_, handler) => {
      const { browser, copy } = await begin(DATA)
      const old = copy()
      await browser.visit(login)
      expect((await rejectionOf(old.visit(handler))).code).toBe('CONFLICT')
      expect(await browser.see()).toEqual({ ...DATA, user: 7 })
    },
  )

  test('may read, and sees an empty session', async () => {
    const { browser, copy } = await begin(DATA)
    const old = copy()
    await browser.visit(login)
    expect(await old.see()).toEqual({})
    expect(old.setCookie).toBeUndefined()
  })

  test('gets a cookie by logging in, with its own changes alone', async () => {
    const { sess, browser, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    session['user'] = 8
    session.regenerate()
    await browser.visit(login)
    const other = new Browser(sess)
    const [cookie] = await answer()
    const [name = '', value = ''] = cookie?.[1].split(/[=;]/) ?? []
    other.jar.set(name, value)
    expect([await browser.see(), await other.see()]).toEqual([{ ...DATA, user: 7 }, { user: 8 }])
  })

  test('and logs in without having anything to keep, gets no cookie', async () => {
    const { browser, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    session.regenerate()
    await browser.visit(login)
    expect(await answer()).toEqual([])
    expect(await browser.see()).toEqual({ ...DATA, user: 7 })
  })

  test('and has found so at save(), begins no session of its own', async () => {
    const { browser, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    session.regenerate()
    await browser.visit(login)
    await session.save()
    change(session)
    expect((await rejectionOf(answer())).code).toBe('CONFLICT')
  })

  test('is told to try again with the new cookie', async () => {
    const { browser, copy } = await begin(DATA)
    const old = copy()
    await browser.visit(login)
    const { message } = await rejectionOf(old.visit(change))
    expect(message).toContain('try the request again with the new cookie')
  })

  test('finds no session where the login was a change of user, and begins none', async () => {
    const { browser, copy } = await begin(DATA)
    const old = copy()
    await browser.visit((session) => {
      session.destroy()
      session['user'] = 8
    })
    expect(await old.see()).toEqual({})
    expect((await rejectionOf(old.visit(change))).code).toBe('CONFLICT')
    expect(await browser.see()).toEqual({ user: 8 })
  })
})

describe('a logout', () => {
  test('leaves nothing in the store', async () => {
    const { store, browser } = await begin(DATA)
    await browser.visit(logout)
    expect({ entries: await store.drain(), cookies: browser.jar.size }).toEqual({ entries: 0, cookies: 0 })
  })

  test.each<[string, Handler]>([
    ['an assignment', change],
    ['an update', (session) => session.update('visits', count)],
    ['a removal', (session) => delete session['theme']],
    ['a login that rests on what it read', (session) => {
      session['visits'] = count(session['visits'])
      session.regenerate()
    }],
  ])('is not undone by %s that was under way, which is a CONFLICT', async (_, handler) => {
    const { store, arrive, copy } = await begin(DATA)
    const { session, answer } = await arrive()
    handler(session)
    await copy().visit(logout)
    expect((await rejectionOf(answer())).code).toBe('CONFLICT')
    expect(await store.drain()).toBe(0)
  })

  test.each<[string, Handler]>([
    ['assigns', (session) => (session['user'] = 7)],
    ['assigns what was there already', (session) => Object.assign(session, { user: 7, theme: 'dark' })],
    ['updates', (session) => session.update('user', () => 7)],
  ])('leaves a login that was under way what this one %s, and nothing else', async (_, handler) => {
    const { sess, arrive, copy } = await begin({ ...DATA, secret: 'of before' })
    const { session, answer } = await arrive()
    handler(session)
    session.regenerate()
    await copy().visit(logout)
    const [cookie] = await answer()
    const browser = new Browser(sess)
    const [name = '', value = ''] = cookie?.[1].split(/[=;]/) ?? []
    browser.jar.set(name, value)
    const data = await browser.see()
    expect({ user: data['user'], secret: data['secret'], visits: data['visits'] }).toEqual({
      user: 7,
      secret: undefined,
      visits: undefined,
    })
  })

  test('leaves nothing of a login that was under way and has changed nothing', async () => {
    const { store, arrive, copy } = await begin(DATA)
    const { session, answer } = await arrive()
    session.regenerate()
    await copy().visit(logout)
    expect(await answer()).toEqual([])
    expect(await store.drain()).toBe(0)
  })

  test('ends what another request stored while it was under way', async () => {
    const { store, arrive, copy } = await begin(DATA)
    const { session, answer } = await arrive()
    logout(session)
    await copy().visit(change)
    await answer()
    expect(await store.drain()).toBe(0)
  })

  test('succeeds where another has come before', async () => {
    const { arrive, copy } = await begin(DATA)
    const { session, answer } = await arrive()
    logout(session)
    await copy().visit(logout)
    const headers = await answer()
    expect(headers.find(([name]) => name === 'set-cookie')?.[1]).toContain('Max-Age=0')
  })
})

describe('a session that expires while a request is under way', () => {
  const begun = async () => {
    const clock = new Clock()
    return { clock, ...(await begin(DATA, { clock: clock.read, idleTimeout: HOUR })) }
  }

  test('is not brought back by a change, which is a CONFLICT', async () => {
    const { clock, browser, arrive } = await begun()
    const { session, answer } = await arrive()
    change(session)
    clock.advance(HOUR)
    expect((await rejectionOf(answer())).code).toBe('CONFLICT')
    expect(await browser.see()).toEqual({})
  })

  test('is not brought back by a request that only reads', async () => {
    const { clock, browser, arrive } = await begun()
    const { answer } = await arrive()
    clock.advance(HOUR)
    await answer()
    expect(await browser.see()).toEqual({})
  })

  test('leaves a login its own changes alone', async () => {
    const { clock, sess, arrive } = await begun()
    const { session, answer } = await arrive()
    login(session)
    clock.advance(HOUR)
    const [cookie] = await answer()
    const browser = new Browser(sess)
    const [name = '', value = ''] = cookie?.[1].split(/[=;]/) ?? []
    browser.jar.set(name, value)
    expect(await browser.see()).toEqual({ user: 7 })
  })

  test('is stored where another request has extended it', async () => {
    const { clock, browser, arrive, copy } = await begun()
    const { session, answer } = await arrive()
    change(session)
    clock.advance(HOUR / 2)
    await copy().see()
    clock.advance(HOUR / 2)
    await answer()
    expect(await browser.see()).toEqual({ ...DATA, theme: 'light' })
  })

  test('is moved where another request has extended it', async () => {
    const { clock, sess, arrive, copy } = await begun()
    const { session, answer } = await arrive()
    login(session)
    clock.advance(HOUR / 2)
    await copy().see()
    clock.advance(HOUR / 2)
    const [cookie] = await answer()
    const browser = new Browser(sess)
    const [name = '', value = ''] = cookie?.[1].split(/[=;]/) ?? []
    browser.jar.set(name, value)
    expect(await browser.see()).toEqual({ ...DATA, user: 7 })
  })
})

describe('where the store fails', () => {
  /** A store that is down from the n-th write on. */
})
