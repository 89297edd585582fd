import { describe, expect, test } from 'vitest'
import { begin, beginOn, type Handler } from '../support/arrival.ts'
import { Clock, HOUR } from '../support/clock.ts'
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
    [
      'a login that rests on what it read',
      (session) => {
        session['visits'] = count(session['visits'])
        session.regenerate()
      },
    ],
  ])('is not undone by %s that was under way, which is a CONFLICT', async (_, handler) => {
    const { store, arrive, copy } = await begin(DATA)
    const { session, answer } = await arrive()
    handler(session)
    await copy().visit(logout)
    expect((await failureOf(answer())).code).toBe('CONFLICT')
    expect(await store.drain()).toBe(0)
  })

  test.each<[string, Handler]>([
    ['assigns as it was before', (session) => (session['user'] = 7)],
    ['updates to what it was before', (session) => session.update('user', () => 7)],
    [
      'assigns, having removed it',
      (session) => {
        delete session['user']
        session['user'] = 7
      },
    ],
  ])('leaves a login that was under way what it %s, and nothing else', async (_, handler) => {
    const { arrive, copy } = await begin({ ...DATA, user: 7, secret: 'of before' })
    const { session, answer, next } = await arrive()
    handler(session)
    session.regenerate()
    await copy().visit(logout)
    await answer()
    expect(await next()).toEqual({ user: 7 })
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

  test('forgets what was changed before it in the same request', async () => {
    const { browser } = await begin(DATA)
    await browser.visit((session) => {
      change(session)
      login(session)
      session.destroy()
      session['new'] = 1
    })
    expect(await browser.see()).toEqual({ new: 1 })
  })

  test('succeeds if another logout came before', async () => {
    const { arrive, copy } = await begin(DATA)
    const { session, answer } = await arrive()
    logout(session)
    await copy().visit(logout)
    const headers = await answer()
    expect(headers.find(([name]) => name === 'set-cookie')?.[1]).toContain('Max-Age=0')
  })
})

describe('a logout on a store that fails', () => {
  test('before it was marked is UNAVAILABLE, and the session is as before', async () => {
    const { store, browser } = await beginOn(new FailingStore(), DATA)
    store.failing.add('update')
    const error = await failureOf(browser.visit(logout))
    store.failing.clear()
    expect({ code: error.code, data: await browser.see() }).toEqual({ code: 'UNAVAILABLE', data: DATA })
  })

  test('after it was marked is UNAVAILABLE, the session has ended, and the browser may begin another', async () => {
    const { store, browser } = await beginOn(new FailingStore(), DATA)
    store.failing.add('destroy')
    const error = await failureOf(browser.visit(logout))
    store.failing.clear()
    const data = await browser.see()
    await browser.visit(change)
    expect({ code: error.code, data, next: await browser.see() }).toEqual({
      code: 'UNAVAILABLE',
      data: {},
      next: { theme: 'light' },
    })
  })

  test('when it begins another session is UNAVAILABLE, and the browser may begin one at once', async () => {
    const { store, browser } = await beginOn(new FailingStore(), DATA)
    store.failing.add('create')
    const changeUser: Handler = (session) => {
      session.destroy()
      session['user'] = 8
    }
    const error = await failureOf(browser.visit(changeUser))
    store.failing.clear()
    await browser.visit(change)
    expect({ code: error.code, data: await browser.see() }).toEqual({ code: 'UNAVAILABLE', data: { theme: 'light' } })
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
    expect((await failureOf(answer())).code).toBe('CONFLICT')
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
    const { clock, arrive } = await begun()
    const { session, answer, next } = await arrive()
    login(session)
    clock.advance(HOUR)
    await answer()
    expect(await next()).toEqual({ user: 7 })
  })

  test('is stored if another request has extended it', async () => {
    const { clock, browser, arrive, copy } = await begun()
    const { session, answer } = await arrive()
    change(session)
    clock.advance(HOUR / 2)
    await copy().see()
    clock.advance(HOUR / 2)
    await answer()
    expect(await browser.see()).toEqual({ ...DATA, theme: 'light' })
  })

  test('is moved if another request has extended it', async () => {
    const { clock, arrive, copy } = await begun()
    const { session, answer, next } = await arrive()
    login(session)
    clock.advance(HOUR / 2)
    await copy().see()
    clock.advance(HOUR / 2)
    await answer()
    expect(await next()).toEqual({ ...DATA, user: 7 })
  })
})
