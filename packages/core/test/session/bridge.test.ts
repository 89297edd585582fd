import cookie from '@sess/adapter-cookie'
import { type AnyData, type CoreOptions, type Session, type Sessions, sessions } from '@sess/core'
import { bridge, type BridgedSession } from '@sess/core/bridge'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../../../../tests/support/stores.ts'
import { Browser } from '../support/browser.ts'
import { Clock, DAY, HOUR, MINUTE } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'

const clock = new Clock()

const KINDS: readonly (readonly [kind: string, start: (options?: Partial<CoreOptions>) => Sessions])[] = [
  ['memory', (options) => sessions(new CountedStore(), { secret: SECRET, clock: clock.read, ...options })],
  ['cookie', (options) => sessions(cookie, { secret: SECRET, clock: clock.read, ...options })],
]

type Use<T> = (bridged: BridgedSession, session: Session<AnyData>) => T | Promise<T>

/** A request whose handler uses the session without its methods. */
function visit<T>(browser: Browser, use: Use<T>): Promise<T> {
  return browser.visit((session) => use(bridge(session), session))
}

const maxAgeOf = (browser: Browser): string | undefined => /; Max-Age=(\d+)/.exec(browser.setCookie ?? '')?.[1]

describe.each(KINDS)('a session without its methods, on the %s store', (_kind, start) => {
  test('is the session that open resolves with', async () => {
    const browser = new Browser(start())
    const seen = await visit(browser, (bridged, session) => {
      bridged.set('a', { n: 1 })
      session['b'] = 2
      const a: unknown = bridged.get('a')
      if (typeof a === 'object' && a !== null) Reflect.set(a, 'n', 3)
      return [session['a'], bridged.get('b'), bridged.keys()]
    })
    expect(seen).toEqual([{ n: 3 }, 2, ['a', 'b']])
    expect(await browser.see()).toEqual({ a: { n: 3 }, b: 2 })
  })

  test.each([
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a date inside', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    [
      'a class',
      new (class User {
        readonly id = 7
      })(),
      { id: 7 },
    ],
    ['a map', new Map([[1, 2]]), {}],
    ['an array with a hole', Object.assign([1], { 2: 2 }), [1, null, 2]],
    ['a function inside', { run: () => 1, id: 7 }, { id: 7 }],
    ['undefined inside', { gone: undefined, id: 7 }, { id: 7 }],
    ['toJSON', { toJSON: () => 'text' }, 'text'],
    ['a function', () => 1, undefined],
    ['a symbol', Symbol('x'), undefined],
    ['no number', Number.NaN, undefined],
    ['null', null, undefined],
  ])('stores what JSON makes of %s', async (_, given, stored) => {
    const browser = new Browser(start())
    await visit(browser, (bridged) => {
      bridged.set('value', given)
      bridged.set('other', 1)
    })
    expect(await visit(browser, (bridged) => bridged.get('value'))).toEqual(stored)
  })

  test('stores what is put into an object that it has handed out', async () => {
    const browser = new Browser(start())
    await visit(browser, (bridged) => bridged.set('user', { name: 'ada' }))
    await visit(browser, (bridged) => Reflect.set(Object(bridged.get('user')), 'at', new Date(0)))
    expect(await browser.see()).toEqual({ user: { name: 'ada', at: '1970-01-01T00:00:00.000Z' } })
  })

  test('hands out in the same request the value that was set', async () => {
    const date = new Date(0)
    const same = await visit(new Browser(start()), (bridged) => {
      bridged.set('at', date)
      return bridged.get('at')
    })
    expect(same).toBe(date)
  })

  test.each(['update', 'take', 'regenerate', 'destroy', 'save', '~save', '~~take', '~', '~other', '__proto__', 'then'])(
    'has the key %s like any other, and methods stay what they are',
    async (key) => {
      const browser = new Browser(start())
      await visit(browser, (bridged) => bridged.set(key, 'value'))
      await visit(browser, (bridged, session) => {
        expect(bridged.get(key)).toBe('value')
        expect(bridged.keys()).toEqual([key])
        expect(session.save).toBeTypeOf('function')
        bridged.set(key, undefined)
        expect(bridged.keys()).toEqual([])
      })
      expect(await browser.see()).toEqual({})
    },
  )

  test.each<[string, unknown]>([
    [
      'a circle',
      (() => {
        const circle: { self?: unknown } = {}
        circle.self = circle
        return circle
      })(),
    ],
    ['a BigInt', 1n],
    [
      'a toJSON that throws',
      {
        toJSON: () => {
          throw new Error('hunter2')
        },
      },
    ],
  ])('refuses %s with INVALID_VALUE, and shows nothing of it', async (_, value) => {
    const failure = await visit(new Browser(start()), (bridged) => bridged.set('key', value)).catch(
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ code: 'INVALID_VALUE' })
    expect(String(failure)).not.toContain('hunter2')
  })

  test('has an id before it is stored, and keeps it', async () => {
    const sess = start()
    const browser = new Browser(sess)
    const ids = await visit(browser, (bridged, session) => {
      const before = bridged.id
      bridged.set('a', 1)
      return [before, bridged.id, sess.id(session)]
    })
    expect(ids[0]).toMatch(/^[\w-]{12}$/)
    expect(new Set(ids).size).toBe(1)
    expect(await visit(browser, (bridged) => bridged.id)).toBe(ids[0])
  })

  test('ends at once, and begins another one with what is set then', async () => {
    const sess = start()
    const browser = new Browser(sess)
    await visit(browser, (bridged) => bridged.set('a', 1))
    const thief = browser.at(sess)
    const [before, after] = await visit(browser, async (bridged) => {
      const { id } = bridged
      await bridged.end()
      bridged.set('b', 2)
      return [id, bridged.id]
    })
    expect(after).not.toBe(before)
    expect(await browser.see()).toEqual({ b: 2 })
    expect(thief.token).not.toBe(browser.token)
  })

  test('is SEALED once the response has begun', async () => {
    const browser = new Browser(start())
    const bridged = await visit(browser, (one) => one)
    expect(bridged.isSealed).toBe(true)
    expect(() => bridged.set('a', 1)).toThrow(expect.objectContaining({ code: 'SEALED' }))
    expect(() => (bridged.maxAge = 1)).toThrow(expect.objectContaining({ code: 'SEALED' }))
    expect(() => bridged.renew()).toThrow(expect.objectContaining({ code: 'SEALED' }))
    for (const call of [() => bridged.save(), () => bridged.reload()]) expect(await codeOf(call)).toBe('SEALED')
  })

  test('begins another one with the response, under an id of its own', async () => {
    const browser = new Browser(start())
    await visit(browser, (bridged) => bridged.set('a', 1))
    const { token } = browser
    const ids = await visit(browser, (bridged) => {
      const before = bridged.id
      bridged.renew()
      const renewed = bridged.id
      bridged.set('b', 2)
      return [before, renewed, bridged.id]
    })
    expect(ids[1]).not.toBe(ids[0])
    expect(ids[2]).toBe(ids[1])
    expect(browser.token).not.toBe(token)
    expect(await browser.see()).toEqual({ b: 2 })
    expect(await visit(browser, (bridged) => bridged.id)).toBe(ids[1])
  })

  test('that is renewed is not there to be read again', async () => {
    const browser = new Browser(start())
    await visit(browser, (bridged) => bridged.set('a', 1))
    await visit(browser, async (bridged) => {
      bridged.renew()
      expect(await bridged.reload()).toBe(false)
    })
    expect(await browser.see()).toEqual({})
  })

  test.each<[string, Partial<CoreOptions>, number | undefined, number | undefined]>([
    ['until the browser is closed', {}, undefined, undefined],
    ['for the idle timeout', { cookie: { persistent: true }, idleTimeout: HOUR }, undefined, HOUR],
    ['for an idle timeout of its own', { cookie: { persistent: true }, idleTimeout: HOUR }, MINUTE, MINUTE],
    ['for its only idle timeout', {}, MINUTE, MINUTE],
  ])('has its cookie kept %s, from the first request on', async (_, options, own, kept) => {
    const browser = new Browser(start(options))
    const use: Use<number | undefined> = (bridged) => {
      bridged.set('a', 1)
      if (own !== undefined) bridged.maxAge = own
      return bridged.cookieMaxAge
    }
    expect([await visit(browser, use), await visit(browser, use)]).toEqual([kept, kept])
  })

  describe('with an idle timeout of its own', () => {
    test.each([
      ['longer', 3 * DAY],
      ['shorter', MINUTE],
    ])('lives by it, %s than that of the options, in a cookie that survives a restart', async (_, ms) => {
      for (const [later, seen] of [
        [ms - 1, { a: 1 }],
        [ms, {}],
      ] as const) {
        const browser = new Browser(start())
        await visit(browser, (bridged) => {
          bridged.set('a', 1)
          bridged.maxAge = ms
        })
        expect(maxAgeOf(browser)).toBe(String(ms / 1000))
        expect(await visit(browser, (bridged) => bridged.maxAge)).toBe(ms)
        clock.now += later
        expect(await browser.see()).toEqual(seen)
      }
    })

    test('is extended by use', async () => {
      const browser = new Browser(start())
      await visit(browser, (bridged) => {
        bridged.set('a', 1)
        bridged.maxAge = HOUR
      })
      for (let n = 0; n < 4; n++) {
        clock.now += HOUR / 2
        expect(await browser.see()).toEqual({ a: 1 })
      }
    })

    test('ends with the absolute timeout of the options', async () => {
      const browser = new Browser(start({ absoluteTimeout: '2d' }))
      await visit(browser, (bridged) => {
        bridged.set('a', 1)
        bridged.maxAge = 30 * DAY
      })
      clock.now += 2 * DAY
      expect(await browser.see()).toEqual({})
    })

    test('gets and loses it without another change', async () => {
      const browser = new Browser(start())
      await visit(browser, (bridged) => bridged.set('a', 1))
      await visit(browser, (bridged) => (bridged.maxAge = 3 * DAY))
      expect(maxAgeOf(browser)).toBe(String((3 * DAY) / 1000))
      await visit(browser, (bridged) => (bridged.maxAge = undefined))
      expect(browser.setCookie).not.toContain('Max-Age')
      expect(await visit(browser, (bridged) => bridged.maxAge)).toBe(undefined)
      clock.now += DAY
      expect(await browser.see()).toEqual({})
    })

    test('keeps it at a login', async () => {
      const browser = new Browser(start())
      await visit(browser, (bridged) => {
        bridged.maxAge = 3 * DAY
        bridged.set('a', 1)
      })
      await visit(browser, (_bridged, session) => {
        session['user'] = 7
        session.regenerate()
      })
      expect(await visit(browser, (bridged) => bridged.maxAge)).toBe(3 * DAY)
    })

    test('that is set to what it is stores nothing', async () => {
      const browser = new Browser(start())
      await visit(browser, (bridged) => {
        bridged.maxAge = 3 * DAY
        bridged.set('a', 1)
      })
      await visit(browser, (bridged) => (bridged.maxAge = 3 * DAY))
      expect(browser.setCookie).toBe(undefined)
    })

    test('of a session that nothing is assigned to begins none', async () => {
      const browser = new Browser(start())
      await visit(browser, (bridged) => (bridged.maxAge = 3 * DAY))
      expect(browser.jar.size).toBe(0)
    })
  })

  test('drops what was changed when it is read again', async () => {
    const browser = new Browser(start())
    await visit(browser, (bridged) => bridged.set('a', { n: 1 }))
    const seen = await visit(browser, async (bridged) => {
      Reflect.set(Object(bridged.get('a')), 'n', 2)
      bridged.set('b', 3)
      bridged.maxAge = MINUTE
      expect(await bridged.reload()).toBe(true)
      return [bridged.get('a'), bridged.keys(), bridged.maxAge]
    })
    expect(seen).toEqual([{ n: 1 }, ['a'], undefined])
    expect(await browser.see()).toEqual({ a: { n: 1 } })
  })
})

describe('a session without its methods, on a server store', () => {
  const [, start] = KINDS[0] ?? ['', () => sessions(false)]

  test('is read again with what others have stored since', async () => {
    const sess = start()
    const browser = new Browser(sess)
    await visit(browser, (bridged) => bridged.set('a', 1))
    const other = browser.at(sess)
    await visit(browser, async (bridged) => {
      await visit(other, (others) => others.set('b', 2))
      expect(await bridged.reload()).toBe(true)
      expect(bridged.get('b')).toBe(2)
    })
  })

  test('is not there to be read again once another request has ended it', async () => {
    const sess = start()
    const browser = new Browser(sess)
    await visit(browser, (bridged) => bridged.set('a', 1))
    const other = browser.at(sess)
    await visit(browser, async (bridged) => {
      await visit(other, (others) => others.end())
      expect(await bridged.reload()).toBe(false)
    })
  })

  test('can be ended after the response', async () => {
    const browser = new Browser(start())
    const bridged = await visit(browser, (one) => {
      one.set('a', 1)
      return one
    })
    await bridged.end()
    expect(await browser.see()).toEqual({})
  })

  test('that is renewed leaves no room for a third one', async () => {
    const sess = start()
    const browser = new Browser(sess)
    await visit(browser, (bridged) => bridged.set('a', 1))
    const other = browser.at(sess)
    await visit(browser, (bridged) => {
      bridged.renew()
      bridged.set('b', 2)
    })
    expect(await codeOf(visit(other, (bridged) => bridged.set('c', 3)))).toBe('CONFLICT')
  })

  test('is listed for as long as it lives, also with a longer timeout of its own', async () => {
    const sess = sessions(new CountedStore(), { secret: SECRET, clock: clock.read, owner: 'user' })
    const browser = new Browser(sess)
    await visit(browser, (bridged) => bridged.set('user', 7))
    await visit(browser, (bridged) => (bridged.maxAge = 20 * DAY))
    clock.now += 19 * DAY
    expect(await sess.owner(7).sessions()).toHaveLength(1)
    expect(await sess.owner(7).revoke()).toBe(1)
    expect(await browser.see()).toEqual({})
  })
})

test('a session in a cookie cannot be ended after the response', async () => {
  const [, start] = KINDS[1] ?? ['', () => sessions(false)]
  const bridged = await visit(new Browser(start()), (one) => {
    one.set('a', 1)
    return one
  })
  expect(await codeOf(bridged.end())).toBe('SEALED')
})

test('bridge refuses what is no session', () => {
  expect(() => bridge({})).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }))
})
