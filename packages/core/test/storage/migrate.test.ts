import cookie from '@sess/adapter-cookie'
import { type CoreOptions, type Sessions, sessions } from '@sess/core'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { codeOf } from '../../../../tests/support/stores.ts'
import { Browser } from '../support/browser.ts'
import { Clock, DAY, HOUR, MINUTE } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { FormerLibrary } from '../support/former-library.ts'
import { SECRET } from '../support/secret.ts'

type Options = Partial<CoreOptions<string>>

interface Stage {
  readonly clock: Clock
  readonly former: FormerLibrary
  readonly start: (options?: Options) => Sessions
}

const KINDS: readonly (readonly [kind: string, start: (options: CoreOptions<string>) => Sessions])[] = [
  ['memory', (options) => sessions(new CountedStore(), options)],
  ['cookie', (options) => sessions(cookie, options)],
]

function stageOn(kind: (options: CoreOptions<string>) => Sessions, keep = false): Stage {
  const clock = new Clock()
  const former = new FormerLibrary({ keep })
  return {
    clock,
    former,
    start: (options) => kind({ secret: SECRET, clock: clock.read, migrate: [former], ...options }),
  }
}

/** Several applications that share one store. */
function onOneStore(keep = false): Stage & { readonly store: CountedStore } {
  const store = new CountedStore()
  return { store, ...stageOn((options) => sessions(store, options), keep) }
}

/** A browser with the cookie of a session of the former library. */
function comeWith(sess: Sessions, value: string): Browser {
  const browser = new Browser(sess)
  browser.jar.set('former.sid', value)
  return browser
}

describe.each(KINDS)('a session of another library, on the %s store', (_, kind) => {
  test('is taken over with its values by the first request that has its cookie', async () => {
    const { former, start, clock } = stageOn(kind)
    const browser = comeWith(start(), former.begin('id', { user: 7, cart: ['book'] }, clock.now + DAY))
    expect(await browser.see()).toEqual({ user: 7, cart: ['book'] })
    expect([...browser.jar.keys()]).toEqual(['__Host-sess'])
    expect(await browser.see()).toEqual({ user: 7, cart: ['book'] })
    expect(former.reads).toBe(1)
  })

  test('keeps its former cookie where the response has no other, since it fails', async () => {
    const { former, start, clock } = stageOn(kind)
    const browser = comeWith(start(), former.begin('id', { user: 7 }, clock.now + DAY))
    await browser.visit(() => undefined, 500)
    expect([...browser.jar.keys()]).toEqual(['former.sid'])
    expect(await browser.see()).toEqual({ user: 7 })
  })

  test('gets the changes of that request', async () => {
    const { former, start, clock } = stageOn(kind)
    const browser = comeWith(start(), former.begin('id', { visits: 1 }, clock.now + DAY))
    await browser.visit((session) => session.update('visits', (visits) => Number(visits) + 1))
    expect(await browser.see()).toEqual({ visits: 2 })
  })

  test('is not taken over by a cookie that is forged', async () => {
    const { former, start, clock } = stageOn(kind)
    former.begin('id', { user: 7 }, clock.now + DAY)
    const browser = comeWith(start(), 'forged.id')
    expect(await browser.see()).toEqual({})
    expect(former.stored.size).toBe(1)
  })

  test('is not taken over once it has ended', async () => {
    const { former, start, clock } = stageOn(kind)
    const value = former.begin('id', { user: 7 }, clock.now + DAY)
    clock.now += DAY
    expect(await comeWith(start(), value).see()).toEqual({})
  })

  test('is not read where there is a session already', async () => {
    const { former, start, clock } = stageOn(kind)
    const browser = new Browser(start())
    await browser.visit((session) => (session['user'] = 8))
    browser.jar.set('former.sid', former.begin('id', { user: 7 }, clock.now + DAY))
    expect(await browser.see()).toEqual({ user: 8 })
    expect(former.reads).toBe(0)
  })

  test.each([
    ['longer than the idle timeout', 10 * DAY, 10 * DAY],
    ['shorter than the idle timeout, since it is used now', HOUR, DAY],
    ['longer than the absolute timeout', 60 * DAY, 30 * DAY],
  ])('lives as long as it had left, where that is %s', async (_title, left, lives) => {
    for (const [later, seen] of [
      [lives - 1, { user: 7 }],
      [lives, {}],
    ] as const) {
      const { former, start, clock } = stageOn(kind)
      const browser = comeWith(start(), former.begin('id', { user: 7 }, clock.now + left))
      await browser.see()
      clock.now += later
      expect(await browser.see()).toEqual(seen)
    }
  })

  test('is not fresh, until its user logs in', async () => {
    const { former, start, clock } = stageOn(kind)
    const sess = start()
    const browser = comeWith(sess, former.begin('id', { user: 7 }, clock.now + DAY))
    expect(await browser.visit((session) => sess.isFresh(session, '1h'))).toBe(false)
    await browser.visit((session) => {
      session['user'] = 7
      session.regenerate()
    })
    expect(await browser.visit((session) => sess.isFresh(session, '1h'))).toBe(true)
  })

  test('keeps values under keys that are names of methods', async () => {
    const { former, start, clock } = stageOn(kind)
    const browser = comeWith(start(), former.begin('id', { save: 1, '~save': 2, other: 3 }, clock.now + DAY))
    expect(await browser.see()).toEqual({ '~save': 1, '~~save': 2, other: 3 })
  })

  test('holds what JSON makes of its values', async () => {
    const { former, start, clock } = stageOn(kind)
    const values = { at: new Date(0), none: undefined, nothing: null, run: () => 1, deep: { list: [new Date(0)] } }
    const browser = comeWith(start(), former.begin('id', values, clock.now + DAY))
    const time = new Date(0).toISOString()
    expect(await browser.see()).toEqual({ at: time, deep: { list: [time] } })
  })

  test('pollutes no prototype', async () => {
    const { former, start, clock } = stageOn(kind)
    const values: Record<string, unknown> = JSON.parse('{ "__proto__": { "polluted": 1 }, "a": 1 }')
    const browser = comeWith(start(), former.begin('id', values, clock.now + DAY))
    expect(await browser.visit((session) => [session['a'], Reflect.get({}, 'polluted')])).toEqual([1, undefined])
  })

  test('ends at a logout, also there, and both cookies are cleared', async () => {
    const { former, start, clock } = stageOn(kind, true)
    const browser = comeWith(start(), former.begin('id', { user: 7 }, clock.now + DAY))
    await browser.see()
    expect([...browser.jar.keys()].toSorted()).toEqual(['__Host-sess', 'former.sid'])
    await browser.visit((session) => session.destroy())
    expect([...browser.jar.keys()]).toEqual([])
    expect(former.stored.size).toBe(0)
  })

  test('ends at a logout that is its first request', async () => {
    const { former, start, clock } = stageOn(kind)
    const browser = comeWith(start(), former.begin('id', { user: 7 }, clock.now + DAY))
    await browser.visit((session) => session.destroy())
    expect([...browser.jar.keys()]).toEqual([])
    expect(former.stored.size).toBe(0)
  })

  test('is still there if a logout could not end it, and the logout fails', async () => {
    const { former, start, clock } = stageOn(kind, true)
    const browser = comeWith(start(), former.begin('id', { user: 7 }, clock.now + DAY))
    await browser.see()
    former.failure = new Error('hunter2')
    const failure = await browser.visit((session) => session.destroy()).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'UNAVAILABLE' })
    expect(String(failure)).not.toContain('hunter2')
    former.failure = undefined
    await browser.visit((session) => session.destroy())
    expect(former.stored.size).toBe(0)
  })

  test('stays, with its cookie, where the option says so', async () => {
    const { former, start, clock } = stageOn(kind, true)
    const browser = comeWith(start(), former.begin('id', { user: 7 }, clock.now + DAY))
    await browser.see()
    expect(former.stored.size).toBe(1)
    expect(browser.jar.get('former.sid')).toBe('genuine.id')
  })

  test('is reported on the diagnostics channel, once and without an id', async () => {
    const seen: unknown[] = []
    const listen = (message: unknown) => seen.push(message)
    subscribe('sess.migrate', listen)
    onTestFinished(() => void unsubscribe('sess.migrate', listen))
    const { former, start, clock } = stageOn(kind)
    const browser = comeWith(start(), former.begin('id', { user: 7 }, clock.now + DAY))
    await browser.see()
    await browser.see()
    expect(seen).toEqual([{ from: 'former' }])
  })

  test('is UNAVAILABLE where its store fails, and shows nothing of it', async () => {
    const { former, start, clock } = stageOn(kind)
    const browser = comeWith(start(), former.begin('id', { user: 7 }, clock.now + DAY))
    former.onRead = () => Promise.reject(new Error('hunter2'))
    const failure = await browser.see().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'UNAVAILABLE' })
    expect(String(failure)).not.toContain('hunter2')
    former.onRead = () => undefined
    expect(await browser.see()).toEqual({ user: 7 })
  })

  test('is seen by read, which has no response', async () => {
    const { former, start, clock } = stageOn(kind)
    const sess = start()
    const value = former.begin('id', { user: 7 }, clock.now + DAY)
    const request = new Request('https://localhost/', { headers: { cookie: `former.sid=${value}` } })
    expect({ ...(await sess.read(request)) }).toEqual({ user: 7 })
    expect(await comeWith(sess, value).see()).toEqual({ user: 7 })
  })
})

describe('a session that was taken over into the cookie store', () => {
  test('is removed a minute later, since requests may still come with the former cookie', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { former, start, clock } = stageOn((options) => sessions(cookie, options))
    const sess = start()
    const value = former.begin('id', { user: 7 }, clock.now + DAY)
    await comeWith(sess, value).see()
    expect(await comeWith(sess, value).see()).toEqual({ user: 7 })
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(former.stored.size).toBe(0)
  })
})

describe('a session that was taken over into a server store', () => {
  test('is one, whatever number of requests comes at once', async () => {
    const { store, former, start, clock } = onOneStore()
    const applications = [start(), start()]
    const value = former.begin('id', { seen: 0 }, clock.now + DAY)
    const browsers = Array.from({ length: 20 }, (_, n) => comeWith(applications[n % 2] ?? start(), value))
    await Promise.all(browsers.map((browser, n) => browser.visit((session) => (session[`key${n}`] = n))))
    expect(new Set(browsers.map(({ token }) => token)).size).toBe(1)
    expect(Object.keys(await (browsers[0]?.see() ?? {}))).toHaveLength(21)
    expect(
      store.calls.filter(({ method, key }) => method === 'create' && !key?.startsWith('f')).length,
    ).toBeGreaterThan(0)
  })

  test('is found by a request that was overtaken while it read the former one', async () => {
    const { former, start, clock } = onOneStore()
    const sess = start()
    const value = former.begin('id', { user: 7 }, clock.now + DAY)
    const first = comeWith(sess, value)
    former.onRead = async () => {
      former.onRead = () => undefined
      await first.see()
    }
    const second = comeWith(sess, value)
    expect(await second.see()).toEqual({ user: 7 })
    expect(second.token).toBe(first.token)
  })

  test('is opened by the former cookie again while it lives, as after an answer that was lost', async () => {
    const { former, start, clock } = onOneStore()
    const sess = start()
    const value = former.begin('id', { user: 7 }, clock.now + DAY)
    const browser = comeWith(sess, value)
    await browser.see()
    expect(await comeWith(sess, value).see()).toEqual({ user: 7 })
  })

  test.each([
    ['at once', 0],
    ['after the tombstone', 2 * MINUTE],
    ['a year later', 365 * DAY],
  ])('is not opened by the former cookie after a logout, %s', async (_, later) => {
    const { former, start, clock } = onOneStore(true)
    const sess = start()
    const value = former.begin('id', { user: 7 }, clock.now + DAY)
    const browser = comeWith(sess, value)
    await browser.see()
    await browser.visit((session) => session.destroy())
    former.begin('id', { user: 7 }, clock.now + 2 * 365 * DAY)
    clock.now += later
    expect(await comeWith(sess, value).see()).toEqual({})
  })

  test('is not opened by a former cookie that carries everything, until that ends', async () => {
    const { store, former, start, clock } = onOneStore()
    const sess = start()
    const value = former.begin('id', { user: 7 }, clock.now + 14 * DAY)
    const browser = comeWith(sess, value)
    await browser.see()
    await browser.visit((session) => session.destroy())
    clock.now += 14 * DAY - 1
    await store.reclaim(clock.now)
    former.begin('id', { user: 7 }, clock.now + 1)
    expect(await comeWith(sess, value).see()).toEqual({})
    clock.now += 1
    expect(await store.reclaim(clock.now)).toBe(1)
  })

  test('is not opened by the former cookie once it has a new token: that reads what it held, and stores nothing', async () => {
    const { former, start, clock } = onOneStore()
    const sess = start()
    const value = former.begin('id', { user: 7 }, clock.now + DAY)
    const browser = comeWith(sess, value)
    await browser.see()
    await browser.visit((session) => {
      session['admin'] = true
      session.regenerate()
    })
    const other = comeWith(sess, value)
    expect(await other.see()).toEqual({ user: 7 })
    expect([...other.jar.keys()]).toEqual(['former.sid'])
    expect(await codeOf(() => other.visit((session) => (session['x'] = 1)))).toBe('CONFLICT')
  })

  test('is found again after the secret was rotated', async () => {
    const { former, start, clock } = onOneStore(true)
    const value = former.begin('id', { user: 7 }, clock.now + DAY)
    const browser = comeWith(start(), value)
    await browser.visit((session) => (session['user'] = 8))
    const rotated = start({ secret: ['a newer secret of more than thirty-two bytes', SECRET] })
    expect(await comeWith(rotated, value).see()).toEqual({ user: 8 })
  })

  test('shows the store nothing that the former library knows it by', async () => {
    const { store, former, start, clock } = onOneStore()
    await comeWith(start(), former.begin('former-session-id', { user: 7 }, clock.now + DAY)).see()
    expect(JSON.stringify(store.calls)).not.toContain('former-session-id')
  })

  test('is stored, and marked as taken over, before the former one is removed', async () => {
    const { store, former, start, clock } = onOneStore()
    const order: string[] = []
    const create = store.create.bind(store)
    store.create = (key, entry) => {
      order.push(`create, with ${former.stored.size} there`)
      return create(key, entry)
    }
    await comeWith(start(), former.begin('id', { user: 7 }, clock.now + DAY)).see()
    expect(order).toEqual(['create, with 1 there', 'create, with 1 there'])
    expect(former.stored.size).toBe(0)
  })

  test('stays taken over if the former one cannot be removed, which onError is told', async () => {
    const { former, start, clock } = onOneStore()
    const errors: unknown[] = []
    const value = former.begin('id', { user: 7 }, clock.now + DAY)
    former.failure = new Error('down')
    const browser = comeWith(start({ onError: (error) => errors.push(error) }), value)
    expect(await browser.see()).toEqual({ user: 7 })
    expect(errors).toHaveLength(1)
  })

  test('is listed with the sessions of its owner, and revoked with them', async () => {
    const { former, start, clock } = onOneStore()
    const sess = start({ owner: 'user' })
    const browser = comeWith(sess, former.begin('id', { user: 7 }, clock.now + 20 * DAY))
    await browser.see()
    expect(await sess.owner(7).sessions()).toHaveLength(1)
    expect((await sess.owner(7).sessions())[0]?.lastUsedAt.getTime()).toBe(clock.now)
    await sess.owner(7).revoke()
    expect(await browser.see()).toEqual({})
  })

  test('is not taken over after its owner’s sessions were revoked', async () => {
    const { former, start, clock } = onOneStore()
    const sess = start({ owner: 'user' })
    const value = former.begin('id', { user: 7 }, clock.now + 20 * DAY)
    await sess.owner(7).revoke()
    clock.now += 10 * DAY
    expect(await comeWith(sess, value).see()).toEqual({})
    expect(await comeWith(sess, value).see()).toEqual({})
    expect(former.stored.size).toBe(0)
  })
})

describe('the option migrate', () => {
  test.each([
    ['no array', {}],
    ['an array of something else', [{}]],
    ['a function', [() => undefined]],
  ])('%s is INVALID_OPTION', async (_, given) => {
    const start = () => sessions(cookie, { secret: SECRET, migrate: Object(given) })
    expect(start).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
