import cookie from '@sess/adapter-cookie'
import { type AnyData, type CoreOptions, type Session, type Sessions, sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { beginOn, type Handler } from '../support/arrival.ts'
import { Browser } from '../support/browser.ts'
import { Clock, DAY, HOUR } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { FailingStore } from '../support/failing-store.ts'
import { SECRET } from '../support/secret.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { failureOf } from '../../../../tests/support/stores.ts'

const DATA = { user: 7 }

describe.each<['memory' | 'cookie', (options?: Partial<CoreOptions>) => Sessions]>([
  ['memory', (options) => sessions(new CountedStore(), { secret: SECRET, ...options })],
  ['cookie', (options) => sessions(cookie, { secret: SECRET, ...options })],
])('on the %s store', (_, start) => {
  const begun = async (options?: Partial<CoreOptions>) => {
    const sess = start(options)
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, DATA))
    const idOf = () => browser.visit((session) => sess.id(session))
    return { sess, browser, idOf }
  }

  describe('the id of a session', () => {
    test.each<[string, Handler]>([
      ['an assignment', (session) => (session['user'] = 7)],
      ['an update', (session) => session.update('user', () => 7)],
      [
        'a login',
        (session) => {
          session.regenerate()
          session['user'] = 7
        },
      ],
    ])('that begins is known from the first write on, and is stored: %s', async (_write, write) => {
      const sess = start()
      const browser = new Browser(sess)
      const known = await browser.visit((session) => {
        const before = sess.id(session)
        write(session)
        return { before, after: sess.id(session), again: sess.id(session) }
      })
      const stored = await browser.visit((session) => sess.id(session))
      expect(known).toEqual({ before: undefined, after: stored, again: stored })
      expect(stored).toMatch(/^[\w-]{12}$/)
    })

    test.each<[string, Handler]>([
      ['reads', (session) => session['user']],
      ['takes nothing', (session) => session.take('user')],
      ['puts in and takes out', (session) => [(session['user'] = 7), delete session['user']]],
      ['logs in to nothing', (session) => session.regenerate()],
      ['logs out', (session) => session.destroy()],
    ])('is undefined where a request without a session %s', async (_use, use) => {
      const sess = start()
      const session = await sess.exchange(null).open()
      use(session)
      expect(sess.id(session)).toBeUndefined()
    })

    test('names the new session from regenerate() on, and is stored', async () => {
      const { sess, browser, idOf } = await begun()
      const old = await idOf()
      const known = await browser.visit((session) => {
        session.regenerate()
        return sess.id(session)
      })
      expect({ isNew: known !== old, stored: await idOf() }).toEqual({ isNew: true, stored: known })
    })

    test('stays the same through save() and the response', async () => {
      const { sess, browser, idOf } = await begun()
      const ids = await browser.visit(async (session) => {
        session.regenerate()
        const before = sess.id(session)
        const saving = session.save()
        const during = sess.id(session)
        await saving
        return [before, during, sess.id(session)]
      })
      expect(new Set([...ids, await idOf()]).size).toBe(1)
    })

    test('is another one after each regenerate(), also of one request', async () => {
      const { sess, browser, idOf } = await begun()
      const [first, second] = await browser.visit(async (session) => {
        session.regenerate()
        const id = sess.id(session)
        await session.save()
        session.regenerate()
        return [id, sess.id(session)]
      })
      expect(await idOf()).toBe(second)
      expect(first).not.toBe(second)
    })

    test('that was not asked for before save() is known while it is under way', async () => {
      const { sess, browser, idOf } = await begun()
      const during = await browser.visit(async (session) => {
        session.regenerate()
        const saving = session.save()
        const id = sess.id(session)
        await saving
        return id
      })
      expect(await idOf()).toBe(during)
    })

    test('of a login that a logout took back is not the one of the session that begins then', async () => {
      const { sess, browser, idOf } = await begun()
      const announced = await browser.visit((session) => {
        session.regenerate()
        const id = sess.id(session)
        session.destroy()
        session['user'] = 8
        return id
      })
      expect(await idOf()).not.toBe(announced)
    })

    test('names the session that a logout ends, and then the one that begins', async () => {
      const { sess, browser, idOf } = await begun()
      const old = await idOf()
      const [ended, another] = await browser.visit((session) => {
        session.destroy()
        const id = sess.id(session)
        session['user'] = 8
        return [id, sess.id(session)]
      })
      expect({ ended, another: await idOf() }).toEqual({ ended: old, another })
      expect(another).not.toBe(old)
    })

    test.each<[string, (sess: Sessions, session: Session<AnyData>) => void, number]>([
      ['is discarded', (sess, session) => sess.discard(session), 200],
      ['fails', () => undefined, 500],
    ])('is the old one where a login %s', async (_how, use, status) => {
      const { sess, browser, idOf } = await begun()
      const old = await idOf()
      const session = await browser.visit((opened) => {
        opened.regenerate()
        sess.id(opened)
        use(sess, opened)
        return [opened]
      }, status)
      expect([sess.id(session[0] ?? Object({})), await idOf()]).toEqual([old, old])
    })
  })

  describe('expiresAt', () => {
    test.each<[string, Partial<CoreOptions>, number]>([
      ['the idle timeout', {}, DAY],
      ['the absolute timeout, where it is sooner', { absoluteTimeout: '30h', idleTimeout: '29h' }, 29 * HOUR],
    ])('is %s from when the session was last extended', async (_what, options, after) => {
      const clock = new Clock()
      const { sess, browser } = await begun({ ...options, clock: clock.read })
      const at = await browser.visit((session) => sess.expiresAt(session))
      expect(at).toEqual(new Date(clock.now + after))
    })

    test('is the absolute timeout once that is sooner', async () => {
      const clock = new Clock()
      const { sess, browser } = await begun({ absoluteTimeout: '30h', clock: clock.read })
      const end = clock.now + 30 * HOUR
      clock.advance(20 * HOUR)
      await browser.see()
      expect(await browser.visit((session) => sess.expiresAt(session))).toEqual(new Date(end))
    })

    test('does not extend the session, and is neither a read nor a write', async () => {
      const clock = new Clock()
      const { sess, browser } = await begun({ clock: clock.read })
      const end = clock.now + DAY
      clock.advance(12 * HOUR)
      const exchange = sess.exchange(browser.cookie)
      const session = await exchange.open()
      expect(sess.expiresAt(session)).toEqual(new Date(end))
      expect(await exchange.commit(500)).toEqual([])
    })

    test('is undefined where nothing is stored', async () => {
      const sess = start()
      const session = await sess.exchange(null).open()
      session['user'] = 7
      expect(sess.expiresAt(session)).toBeUndefined()
    })

    test('is known after save(), and undefined after a logout was saved', async () => {
      const clock = new Clock()
      const sess = start({ clock: clock.read })
      const session = await sess.exchange(null).open()
      session['user'] = 7
      await session.save()
      const known = sess.expiresAt(session)
      session.destroy()
      await session.save()
      expect([known, sess.expiresAt(session)]).toEqual([new Date(clock.now + DAY), undefined])
    })
  })
})

test('the id is the old one where a login failed', async () => {
  const { store, sess, arrive } = await beginOn(new FailingStore(), DATA)
  const { session, answer } = await arrive()
  const old = sess.id(session)
  session.regenerate()
  store.failing.add('create')
  await failureOf(answer())
  expect(sess.id(session)).toBe(old)
})

test('the id is the new one while a response stores a login', async () => {
  const { store, sess, arrive } = await beginOn(new TroubledStore(), DATA)
  const { session, answer } = await arrive()
  session.regenerate()
  const known = sess.id(session)
  store.stall()
  const answering = answer()
  await store.reached
  expect(sess.id(session)).toBe(known)
  store.release()
  await answering
  expect(sess.id(session)).toBe(known)
})

test('sessions that are off have no id and no end', () => {
  const off = sessions(false)
  expect([Reflect.apply(off.id, off, [{}]), Reflect.apply(off.expiresAt, off, [{}])]).toEqual([undefined, undefined])
})
