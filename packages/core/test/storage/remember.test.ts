import cookie from '@sess/adapter-cookie'
import { type CoreOptions, type Sessions, sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import type { Handler } from '../support/arrival.ts'
import { Browser } from '../support/browser.ts'
import { Clock, DAY, HOUR, MINUTE } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'

type Options = Partial<CoreOptions<string>>

interface Timed {
  readonly clock: Clock
  /** Starts an application that shares its sessions with the others. */
  readonly start: (options?: Options) => Sessions
}

const REMEMBER: Options = { remember: { idleTimeout: '30d', absoluteTimeout: '90d' } }

const KINDS: readonly (readonly [kind: string, prepare: () => Timed])[] = [
  [
    'memory',
    () => {
      const clock = new Clock()
      const store = new CountedStore()
      return {
        clock,
        start: (options) => sessions(store, { secret: SECRET, clock: clock.read, ...REMEMBER, ...options }),
      }
    },
  ],
  [
    'cookie',
    () => {
      const clock = new Clock()
      return {
        clock,
        start: (options) => sessions(cookie, { secret: SECRET, clock: clock.read, ...REMEMBER, ...options }),
      }
    },
  ],
]

const login =
  (options?: { remember: boolean }): Handler =>
  (session) => {
    session['user'] = 7
    session.regenerate(options)
  }

const maxAgeOf = (browser: Browser): number | undefined => {
  const seconds = /; Max-Age=(\d+)/.exec(browser.setCookie ?? '')?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}

/** A browser that has logged in. */
async function loggedIn(sess: Sessions, options?: { remember: boolean }): Promise<Browser> {
  const browser = new Browser(sess)
  await browser.visit(login(options))
  return browser
}

const HERE = { user: 7 }
const ENDED = {}

describe.each(KINDS)('a remembered session on the %s store', (_, prepare) => {
  test('lives by the timeouts of the option, and others by the usual ones', async () => {
    const { clock, start } = prepare()
    const sess = start()
    const [remembered, usual] = [await loggedIn(sess, { remember: true }), await loggedIn(sess)]
    clock.advance(2 * DAY)
    expect(await remembered.see()).toEqual(HERE)
    expect(await usual.see()).toEqual(ENDED)
    clock.advance(30 * DAY - 1)
    expect(await remembered.see()).toEqual(HERE)
    clock.advance(30 * DAY)
    expect(await remembered.see()).toEqual(ENDED)
  })

  test('ends at its absolute timeout, however it is used', async () => {
    const { clock, start } = prepare()
    const browser = await loggedIn(start(), { remember: true })
    for (let day = 1; day < 90; day++) {
      clock.advance(DAY)
      expect(await browser.see()).toEqual(HERE)
    }
    clock.advance(DAY)
    expect(await browser.see()).toEqual(ENDED)
  })

  test('is in a cookie that survives a restart of the browser, and is sent again at each extension', async () => {
    const { clock, start } = prepare()
    const sess = start()
    const browser = await loggedIn(sess, { remember: true })
    expect(maxAgeOf(browser)).toBe((30 * DAY) / 1000)
    clock.advance(2 * DAY)
    await browser.see()
    expect(maxAgeOf(browser)).toBe((30 * DAY) / 1000)
    expect(maxAgeOf(await loggedIn(sess))).toBeUndefined()
  })

  test('stays remembered when it changes and when it moves', async () => {
    const { clock, start } = prepare()
    const browser = await loggedIn(start(), { remember: true })
    await browser.visit((session) => (session['theme'] = 'dark'))
    await browser.visit((session) => session.regenerate())
    clock.advance(29 * DAY)
    expect(await browser.see()).toEqual({ ...HERE, theme: 'dark' })
  })

  test('is not remembered any longer after regenerate({ remember: false })', async () => {
    const { clock, start } = prepare()
    const browser = await loggedIn(start(), { remember: true })
    await browser.visit((session) => session.regenerate({ remember: false }))
    expect(maxAgeOf(browser)).toBeUndefined()
    clock.advance(DAY)
    expect(await browser.see()).toEqual(ENDED)
  })

  test('is remembered from a later regenerate({ remember: true }) on, without a new login', async () => {
    const { clock, start } = prepare()
    const browser = await loggedIn(start())
    await browser.visit((session) => session.regenerate({ remember: true }))
    clock.advance(29 * DAY)
    expect(await browser.see()).toEqual(HERE)
  })

  test('ends earlier at once if the option’s timeouts become shorter', async () => {
    const { clock, start } = prepare()
    const browser = await loggedIn(start(), { remember: true })
    clock.advance(8 * DAY)
    expect(await browser.at(start({ remember: { idleTimeout: '7d' } })).see()).toEqual(ENDED)
    expect(await browser.see()).toEqual(HERE)
  })

  test('is forgotten with the session: the one after a logout is a usual one', async () => {
    const { clock, start } = prepare()
    const browser = await loggedIn(start(), { remember: true })
    await browser.visit((session) => {
      session.destroy()
      session['theme'] = 'dark'
    })
    expect(maxAgeOf(browser)).toBeUndefined()
    clock.advance(DAY)
    expect(await browser.see()).toEqual(ENDED)
  })

  test('says until when it lives, without being extended', async () => {
    const { clock, start } = prepare()
    const sess = start()
    const browser = await loggedIn(sess, { remember: true })
    const until = await browser.visit((session) => sess.expiresAt(session))
    expect(until).toEqual(new Date(clock.now + 30 * DAY))
  })

  test('needs the option', async () => {
    const { start } = prepare()
    const browser = new Browser(start({ remember: undefined }))
    const failure = await failureOf(browser.visit(login({ remember: true })))
    expect(failure.code).toBe('INVALID_OPTION')
    expect(failure.message).toContain('remember: { idleTimeout:')
    await browser.visit(login({ remember: false }))
    expect(await browser.see()).toEqual(HERE)
  })

  test('whose idle timeout is longer than its absolute one is a mistake', async () => {
    const { start } = prepare()
    const failure = await failureOf(() => start({ remember: { idleTimeout: '400d' } }))
    expect(failure.code).toBe('INVALID_OPTION')
    expect(failure.message).toContain('remember.absoluteTimeout, which is 31536000000 ms by default')
  })
})

describe.each(KINDS)('sess.isFresh on the %s store', (_, prepare) => {
  test('counts from the last login', async () => {
    const { clock, start } = prepare()
    const sess = start()
    const browser = await loggedIn(sess)
    const isFresh = () => browser.visit((session) => sess.isFresh(session, '10m'))
    clock.advance(10 * MINUTE)
    expect(await isFresh()).toBe(true)
    clock.advance(1)
    expect(await isFresh()).toBe(false)
    await browser.visit(login())
    expect(await isFresh()).toBe(true)
  })

  test('does not count from a use, a change or a bare regenerate', async () => {
    const { clock, start } = prepare()
    const sess = start()
    const browser = await loggedIn(sess)
    clock.advance(2 * HOUR)
    await browser.see()
    await browser.visit((session) => (session['theme'] = 'dark'))
    await browser.visit((session) => session.regenerate())
    expect(await browser.visit((session) => sess.isFresh(session, '10m'))).toBe(false)
  })

  test('is false where nothing is stored', async () => {
    const { start } = prepare()
    const sess = start()
    expect(await new Browser(sess).visit((session) => sess.isFresh(session, '10m'))).toBe(false)
  })

  test.each(['10 minutes', 0, -1, Number.NaN, null])('takes no duration like %j', async (within) => {
    const { start } = prepare()
    const sess = start()
    const browser = await loggedIn(sess)
    const failure = await failureOf(browser.visit((session) => Reflect.apply(sess.isFresh, sess, [session, within])))
    expect(failure.code).toBe('INVALID_OPTION')
  })
})

test('sess.isFresh is false for a session that is nobody’s, where sessions have owners', async () => {
  const clock = new Clock()
  const sess: Sessions = sessions(new CountedStore(), { secret: SECRET, clock: clock.read, owner: 'user' })
  const browser = new Browser(sess)
  await browser.visit((session) => Object.assign(session, { cart: [] }))
  expect(await browser.visit((session) => sess.isFresh(session, '10m'))).toBe(false)
  await browser.visit((session) => Object.assign(session, { user: 7 }))
  expect(await browser.visit((session) => sess.isFresh(session, '10m'))).toBe(true)
})
