import { type CoreOptions, type Sessions, sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { arrive, type Handler, outcomeOf } from '../support/arrival.ts'
import { Browser } from '../support/browser.ts'
import { Clock, DAY, HOUR } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'

interface Started {
  readonly store: CountedStore
  readonly sess: Sessions
  readonly clock: Clock
  /** A browser that has logged in. */
  readonly login: (user: number | string, device?: string) => Promise<Browser>
}

function start(options: Partial<CoreOptions<string>> = {}): Started {
  const store = new CountedStore()
  const clock = new Clock()
  const sess: Sessions = sessions(store, { secret: SECRET, clock: clock.read, owner: 'user', ...options })
  const login = async (user: number | string, device = 'a device'): Promise<Browser> => {
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, { user, device }))
    return browser
  }
  return { store, sess, clock, login }
}

const devices = async (sess: Sessions, user: number | string): Promise<readonly unknown[]> =>
  (await sess.owner(user).sessions()).map(({ data }) => data['device'])

const logInAs =
  (user: number | string): Handler =>
  (session) => {
    session['user'] = user
  }

describe('the sessions of an owner', () => {
  test('are those that hold the id, the one used last first', async () => {
    const { sess, clock, login } = start()
    await login(7, 'telephone')
    clock.advance(HOUR)
    await login(8, 'of somebody else')
    await login(7, 'laptop')
    expect(await devices(sess, 7)).toEqual(['laptop', 'telephone'])
    expect(await devices(sess, 8)).toEqual(['of somebody else'])
    expect(await devices(sess, 9)).toEqual([])
  })

  test('say since when, when last, until when, and by which name', async () => {
    const { sess, clock, login } = start()
    const loggedIn = new Date(clock.now)
    const browser = await login(7)
    clock.advance(2 * HOUR)
    const id = await browser.visit((session) => sess.id(session))
    expect(await sess.owner(7).sessions()).toEqual([
      {
        id,
        startedAt: loggedIn,
        lastUsedAt: new Date(clock.now),
        expiresAt: new Date(clock.now + DAY),
        data: { user: 7, device: 'a device' },
      },
    ])
  })

  test('cannot be changed', async () => {
    const { sess, login } = start()
    await login(7)
    const [listed] = await sess.owner(7).sessions()
    expect((await failureOf(() => Reflect.set(listed?.data ?? {}, 'user', 8))).code).toBe('READ_ONLY')
  })

  test("of a number are not those of the same digits: '1' is another owner than 1", async () => {
    const { sess, login } = start()
    await login(1, 'number')
    await login('1', 'text')
    expect(await devices(sess, 1)).toEqual(['number'])
    expect(await devices(sess, '1')).toEqual(['text'])
  })

  test('are gone from the list after a logout and after they have expired', async () => {
    const { sess, clock, login } = start()
    const one = await login(7, 'one')
    await login(7, 'other')
    await one.visit((session) => session.destroy())
    expect(await devices(sess, 7)).toEqual(['other'])
    clock.advance(DAY)
    expect(await devices(sess, 7)).toEqual([])
  })

  test('stay listed for as long as they are used', async () => {
    const { sess, clock, login } = start({ absoluteTimeout: '300d' })
    const browser = await login(7, 'used daily')
    for (let day = 0; day < 100; day++) {
      clock.advance(DAY - HOUR)
      await browser.see()
      expect(await devices(sess, 7)).toEqual(['used daily'])
    }
  })

  test('of which one logged in before the option was set are listed once it is extended', async () => {
    const { store, clock } = start()
    const before: Sessions = sessions(store, { secret: SECRET, clock: clock.read })
    const after: Sessions = sessions(store, { secret: SECRET, clock: clock.read, owner: 'user' })
    const browser = new Browser(before)
    await browser.visit((session) => Object.assign(session, { user: 7, device: 'old' }))
    expect(await devices(after, 7)).toEqual([])
    clock.advance(2 * HOUR)
    await browser.at(after).see()
    expect(await devices(after, 7)).toEqual(['old'])
  })
})

describe('an assignment of the owner’s key', () => {
  test('moves the session to a new token, with what it held', async () => {
    const { sess } = start()
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, { cart: ['emma'] }))
    const before = browser.token
    await browser.visit(logInAs(7))
    expect(browser.token).not.toBe(before)
    expect(await browser.see()).toEqual({ cart: ['emma'], user: 7 })
  })

  test('of the same value moves nothing', async () => {
    const { login } = start()
    const browser = await login(7)
    const before = browser.token
    await browser.visit(logInAs(7))
    expect(browser.token).toBe(before)
  })

  test('of another user’s id keeps only what the request assigned', async () => {
    const { sess, login } = start()
    const browser = await login(7)
    await browser.visit((session) => Object.assign(session, { cart: ['emma'], visits: 3 }))
    const old = browser.at(sess)
    await browser.visit((session) => {
      const { cart } = session
      if (Array.isArray(cart)) cart.push('middlemarch')
      session.update('visits', (visits = 0) => Number(visits) + 1)
      session['user'] = 8
      session['theme'] = 'dark'
    })
    expect(await browser.see()).toEqual({ user: 8, theme: 'dark', visits: 1 })
    expect(await old.see()).toEqual({})
    expect(await sess.owner(7).sessions()).toEqual([])
  })

  test('that removes it leaves the rest, under a new token that nobody is listed with', async () => {
    const { sess, login } = start()
    const browser = await login(7)
    const [before, old] = [browser.token, browser.at(sess)]
    await browser.visit((session) => delete session['user'])
    expect(browser.token).not.toBe(before)
    expect(await browser.see()).toEqual({ device: 'a device' })
    expect(await old.see()).toEqual({})
    expect(await sess.owner(7).sessions()).toEqual([])
  })

  test('names the new session before anything is stored', async () => {
    const { sess } = start()
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, { cart: [] }))
    const [before, during] = await browser.visit((session) => {
      const old = sess.id(session)
      session['user'] = 7
      return [old, sess.id(session)]
    })
    expect(during).not.toBe(before)
    expect(await browser.visit((session) => sess.id(session))).toBe(during)
  })

  test.each([true, { id: 7 }, [7], ''])('of %j is refused, and nothing is lost', async (value) => {
    const { login } = start()
    const browser = await login(7)
    const failure = await failureOf(browser.visit((session) => Object.assign(session, { user: value })))
    expect(failure.code).toBe('INVALID_VALUE')
    expect(failure.message).toContain('session["user"]')
    expect(await browser.see()).toEqual({ user: 7, device: 'a device' })
  })

  test('costs two store calls more than without the option', async () => {
    const calls = async (options: Partial<CoreOptions<string>>): Promise<number> => {
      const { sess, store } = start(options)
      const browser = new Browser(sess)
      await browser.visit((session) => Object.assign(session, { cart: [] }))
      store.take()
      await browser.visit((session) => {
        session['user'] = 7
        session.regenerate()
      })
      return store.take().length
    }
    expect((await calls({})) - (await calls({ owner: undefined }))).toBe(2)
  })
})

describe('a read of a session that has an owner', () => {
  test('is one store call', async () => {
    const { store, login } = start()
    const browser = await login(7)
    store.take()
    await browser.see()
    expect(store.take()).toEqual(['read'])
  })
})

describe('revoke', () => {
  test('ends all sessions of the owner and says how many', async () => {
    const { sess, login } = start()
    const browsers = [await login(7), await login(7), await login(8)]
    expect(await sess.owner(7).revoke()).toBe(2)
    expect(await Promise.all(browsers.map((browser) => browser.see()))).toEqual([
      {},
      {},
      { user: 8, device: 'a device' },
    ])
    expect(await sess.owner(7).sessions()).toEqual([])
    expect(await sess.owner(7).revoke()).toBe(0)
  })

  test('ends all but the session that asks', async () => {
    const { sess, login } = start()
    const [mine, other] = [await login(7, 'mine'), await login(7, 'other')]
    expect(await mine.visit((session) => sess.owner(7).revoke({ except: session }))).toBe(1)
    expect(await mine.see()).toEqual({ user: 7, device: 'mine' })
    expect(await other.see()).toEqual({})
    expect(await devices(sess, 7)).toEqual(['mine'])
  })

  test('ends the one of that name', async () => {
    const { sess, login } = start()
    const [one, other] = [await login(7, 'one'), await login(7, 'other')]
    const id = await one.visit((session) => sess.id(session))
    expect(await sess.owner(7).revoke({ id: id ?? '' })).toBe(1)
    expect(await one.see()).toEqual({})
    expect(await other.see()).toEqual({ user: 7, device: 'other' })
    expect(await sess.owner(7).revoke({ id: id ?? '' })).toBe(0)
  })

  test.each<[string, Handler]>([
    ['renewed its token', (session) => session.regenerate()],
    ['logged in again', (session) => Object.assign(session, { user: 7 }).regenerate()],
  ])('ends by its name one that has %s since', async (_, move) => {
    const { sess, login } = start()
    const browser = await login(7, 'one')
    const id = await browser.visit((session) => sess.id(session))
    const during = await browser.visit((session) => [move(session), sess.id(session)].at(-1))
    expect([during, await browser.visit((session) => sess.id(session))]).toEqual([id, id])
    expect(await sess.owner(7).revoke({ id: id ?? '' })).toBe(1)
    expect(await browser.see()).toEqual({})
  })

  test('ends nothing by the name of another owner’s session', async () => {
    const { sess, login } = start()
    const browser = await login(7)
    const id = await browser.visit((session) => sess.id(session))
    expect(await sess.owner(8).revoke({ id: id ?? '' })).toBe(0)
    expect(await browser.see()).toEqual({ user: 7, device: 'a device' })
  })

  test('lets whoever logs in afterwards stay', async () => {
    const { sess, login } = start()
    await login(7)
    await sess.owner(7).revoke()
    const browser = await login(7, 'afterwards')
    expect(await browser.see()).toEqual({ user: 7, device: 'afterwards' })
    expect(await devices(sess, 7)).toEqual(['afterwards'])
  })

  test.each<[string, Partial<CoreOptions<string>>]>([
    ['a first visit', {}],
    ['a session', {}],
  ])('refuses a login that had begun before, on %s', async (on) => {
    const { sess } = start()
    const browser = new Browser(sess)
    if (on === 'a session') await browser.visit((session) => Object.assign(session, { cart: ['emma'] }))
    const { session, answer } = await arrive(sess, browser.cookie)
    session['user'] = 7
    await sess.owner(7).revoke()
    expect(await outcomeOf(answer())).toBe('CONFLICT')
    expect(await sess.owner(7).sessions()).toEqual([])
    if (on === 'a session') expect(await browser.see()).toEqual({ cart: ['emma'] })
  })

  test('with `except` admits the login of the request that asks', async () => {
    const { sess, login } = start()
    const other = await login(7)
    const browser = new Browser(sess)
    await browser.visit(async (session) => {
      session['user'] = 7
      await sess.owner(7).revoke({ except: session })
    })
    expect(await browser.see()).toEqual({ user: 7 })
    expect(await other.see()).toEqual({})
  })

  test('keeps a change that was under way from reviving the session', async () => {
    const { sess, login } = start()
    const browser = await login(7)
    const { session, answer } = await arrive(sess, browser.cookie)
    session['theme'] = 'dark'
    await sess.owner(7).revoke()
    expect(await outcomeOf(answer())).toBe('CONFLICT')
    expect(await browser.see()).toEqual({})
  })

  test('keeps a move that was under way from reviving the session', async () => {
    const { sess, login } = start()
    const browser = await login(7)
    const { session, answer, next } = await arrive(sess, browser.cookie)
    session.regenerate()
    await sess.owner(7).revoke()
    await outcomeOf(answer())
    expect(await next()).toEqual({})
    expect(await sess.owner(7).sessions()).toEqual([])
  })

  test('ends a session under the token that it has moved to, and what the old one showed', async () => {
    const { sess, login } = start()
    const browser = await login(7)
    const old = browser.at(sess)
    await browser.visit((session) => session.regenerate())
    expect(await old.see()).toEqual({ user: 7, device: 'a device' })
    expect(await sess.owner(7).revoke()).toBe(1)
    expect(await browser.see()).toEqual({})
    expect(await old.see()).toEqual({})
  })

  test.each([null, 7, {}, { id: 7 }, { except: {} }, { except: null }])(
    'given %j ends nothing and says what it takes',
    async (which) => {
      const { sess, login } = start()
      const browser = await login(7)
      const failure = await failureOf(() => Reflect.apply(sess.owner(7).revoke, sess.owner(7), [which]))
      expect(failure.code).toBe('INVALID_VALUE')
      expect(await browser.see()).toEqual({ user: 7, device: 'a device' })
    },
  )
})

describe('maxPerOwner', () => {
  test('ends the session that was used least recently', async () => {
    const { sess, clock, login } = start({ maxPerOwner: 2 })
    const first = await login(7, 'first')
    clock.advance(HOUR)
    await login(7, 'second')
    clock.advance(HOUR)
    await login(7, 'third')
    expect(await first.see()).toEqual({})
    expect(await devices(sess, 7)).toEqual(['third', 'second'])
  })

  test('counts no session that has ended', async () => {
    const { sess, login } = start({ maxPerOwner: 2 })
    const [first, second] = [await login(7, 'first'), await login(7, 'second')]
    await second.visit((session) => session.destroy())
    await login(7, 'third')
    expect(await first.see()).toEqual({ user: 7, device: 'first' })
    expect(new Set(await devices(sess, 7))).toEqual(new Set(['first', 'third']))
  })

  test.each([0, 65, 1.5, '3'])('is not %j', async (maxPerOwner) => {
    const options = { secret: SECRET, owner: 'user', maxPerOwner }
    expect((await failureOf(() => Reflect.apply(sessions, undefined, [new CountedStore(), options]))).code).toBe(
      'INVALID_OPTION',
    )
  })

  test('needs the option owner', async () => {
    const failure = await failureOf(() => sessions(new CountedStore(), { secret: SECRET, maxPerOwner: 3 }))
    expect(failure.code).toBe('INVALID_OPTION')
    expect(failure.message).toContain('owner')
  })
})

describe('many sessions of one owner', () => {
  test('are listed and revoked, all of them', async () => {
    const { sess, login } = start()
    const browsers = await Promise.all(Array.from({ length: 500 }, (_, at) => login(7, `device ${at}`)))
    expect(new Set(await devices(sess, 7)).size).toBe(500)
    const [kept, other] = browsers
    if (kept === undefined || other === undefined) throw new Error('nobody has logged in')
    await other.visit((session) => session.regenerate())
    expect(await kept.visit((session) => sess.owner(7).revoke({ except: session }))).toBe(499)
    const seen = await Promise.all(browsers.map((browser) => browser.see()))
    expect(seen.filter((data) => 'user' in data)).toEqual([{ user: 7, device: 'device 0' }])
    expect(await devices(sess, 7)).toEqual(['device 0'])
  })

  test('cost one another few store calls when they log in at once', async () => {
    const { store, login } = start()
    await Promise.all(Array.from({ length: 200 }, () => login(7)))
    expect(store.take().length / 200).toBeLessThanOrEqual(3.5)
  })
})

describe('the entries of an owner', () => {
  test('are gone after a day of logins and logouts', async () => {
    const { store, clock, login } = start({ idleTimeout: '1h' })
    for (let hour = 0; hour < 24; hour++) {
      for (let user = 0; user < 20; user++) {
        const browser = await login(user)
        if (user % 2 === 0) await browser.visit((session) => session.destroy())
      }
      clock.advance(HOUR)
    }
    clock.advance(4 * HOUR)
    await store.reclaim(clock.now)
    expect(await store.drain()).toBe(0)
  })
})

describe('a store that the browsers hold', () => {
  test('takes no owner', async () => {
    const failure = await failureOf(() => sessions('cookie', { secret: SECRET, owner: 'user' }))
    expect(failure.code).toBe('INVALID_OPTION')
    expect(failure.message).toContain('cookie')
  })
})

describe('sess.owner', () => {
  test('without the option says which one is missing', async () => {
    const { sess } = start({ owner: undefined })
    expect((await failureOf(() => sess.owner(7))).code).toBe('INVALID_OPTION')
  })

  test.each([undefined, null, true, {}, '', Number.NaN])('takes no %j', async (id) => {
    const { sess } = start()
    expect((await failureOf(() => Reflect.apply(sess.owner, sess, [id]))).code).toBe('INVALID_VALUE')
  })

  test('rejects once the sessions are closed', async () => {
    const { sess } = start()
    await sess.close()
    expect((await failureOf(sess.owner(7).sessions())).code).toBe('CLOSED')
    expect((await failureOf(sess.owner(7).revoke())).code).toBe('CLOSED')
  })
})
