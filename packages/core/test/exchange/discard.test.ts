import cookie from '@sess/adapter-cookie'
import { type AnyData, type Session, type Sessions, sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { begin, type Handler } from '../support/arrival.ts'
import { Browser } from '../support/browser.ts'
import { thrownBy } from '../support/failure.ts'
import { SECRET } from '../support/secret.ts'

const DATA = { user: 7, visits: 1, cart: ['book'] }

const CHANGES: readonly (readonly [string, Handler])[] = [
  ['an assignment', (session) => (session['theme'] = 'dark')],
  ['a removal', (session) => delete session['user']],
  ['an update', (session) => session.update('visits', () => 2)],
  ['a take', (session) => session.take('user')],
  ['an alteration of an array', (session) => Reflect.apply(Array.prototype.push, session['cart'], ['pen'])],
  ['a login', (session) => session.regenerate()],
]

describe.each(CHANGES)('discard drops %s', (_, change) => {
  test('before it, and asks nothing of the store', async () => {
    const { store, sess, arrive, browser } = await begin(DATA)
    const { session, answer } = await arrive()
    change(session)
    sess.discard(session)
    store.take()
    await answer()
    expect({ calls: store.take(), data: await browser.see() }).toEqual({ calls: [], data: DATA })
  })

  test('after it, and asks nothing of the store', async () => {
    const { store, sess, arrive, browser } = await begin(DATA)
    const { session, answer } = await arrive()
    sess.discard(session)
    change(session)
    store.take()
    await session.save()
    await answer()
    expect({ calls: store.take(), data: await browser.see() }).toEqual({ calls: [], data: DATA })
  })

  test('by the exchange, before it was opened', async () => {
    const { store, sess, browser } = await begin(DATA)
    const exchange = sess.exchange(browser.cookie)
    exchange.discard()
    change(await exchange.open())
    store.take()
    await exchange.commit(200)
    expect({ calls: store.take(), data: await browser.see() }).toEqual({ calls: [], data: DATA })
  })

  test('of a session in a cookie', async () => {
    const sess: Sessions = sessions(cookie, { secret: SECRET })
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, structuredClone(DATA)))
    await browser.visit((session) => {
      change(session)
      sess.discard(session)
    })
    expect([browser.setCookie, await browser.see()]).toEqual([undefined, DATA])
  })
})

describe('discard', () => {
  test('of a session that has not begun begins none', async () => {
    const { store, sess } = await begin(DATA)
    const exchange = sess.exchange(null)
    const session = await exchange.open()
    session['user'] = 8
    sess.discard(session)
    store.take()
    expect([await exchange.commit(200), store.take()]).toEqual([[['vary', 'Cookie']], []])
  })

  test('leaves the session as it was opened', async () => {
    const { sess, arrive } = await begin(DATA)
    const { session } = await arrive()
    for (const [, change] of CHANGES) change(session)
    sess.discard(session)
    expect({ ...session }).toEqual(DATA)
  })

  test.each<[string, (sess: Sessions, session: Session<AnyData>) => void]>([
    [
      'before it',
      (sess, session) => {
        session.destroy()
        sess.discard(session)
      },
    ],
    [
      'after it',
      (sess, session) => {
        sess.discard(session)
        session.destroy()
      },
    ],
  ])('does not drop a logout %s', async (_, use) => {
    const { store, sess, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    use(sess, session)
    session['user'] = 8
    const [header] = await answer()
    expect([await store.drain(), header?.[1]]).toEqual([0, expect.stringContaining('Max-Age=0')])
  })

  test('keeps what save() has stored, and its cookie', async () => {
    const { sess, arrive } = await begin(DATA)
    const { session, answer, next } = await arrive()
    session.regenerate()
    session['user'] = 8
    await session.save()
    session['theme'] = 'dark'
    sess.discard(session)
    await answer()
    expect(await next()).toEqual({ ...DATA, user: 8 })
  })

  test('while a save() is under way keeps what that stores', async () => {
    const { sess, arrive } = await begin(DATA)
    const { session, answer, next } = await arrive()
    session.regenerate()
    session['user'] = 8
    const saving = session.save()
    session['theme'] = 'dark'
    sess.discard(session)
    await Promise.all([answer(), saving])
    expect(await next()).toEqual({ ...DATA, user: 8 })
  })

  test('after the response began is SEALED, and says when to call it', async () => {
    const { sess, arrive } = await begin(DATA)
    const { session, answer } = await arrive()
    session['user'] = 8
    const answering = answer()
    const { code, message } = thrownBy(() => sess.discard(session))
    await answering
    expect([code, message]).toEqual(['SEALED', expect.stringContaining('before the first write')])
  })

  test('of anything but a session is INVALID_REQUEST', async () => {
    const { sess } = await begin(DATA)
    for (const other of [{}, { user: 7 }, []])
      expect(thrownBy(() => Reflect.apply(sess.discard, sess, [other])).code).toBe('INVALID_REQUEST')
  })

  test('is nothing where sessions are off', () => {
    expect(Reflect.apply(sessions(false).discard, undefined, [{}])).toBeUndefined()
  })
})
