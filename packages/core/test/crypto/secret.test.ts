import cookie from '@sess/adapter-cookie'
import memory from '@sess/adapter-memory'
import { type CoreOptions, type Sessions, sessions } from '@sess/core'
import { createAdapterContext } from '@sess/core/adapter'
import { inspect } from 'node:util'
import { afterAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Keyring } from '../../src/crypto/keyring.ts'
import { Browser } from '../support/browser.ts'
import { CountedStore } from '../support/counted-store.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { thrownBy } from '../support/failure.ts'
import { OLDER_SECRET, OTHER_SECRET, SECRET } from '../support/secret.ts'

/** Starts applications that share a store and nothing else. */
type Start = (options: CoreOptions) => Sessions

const KINDS: readonly (readonly [kind: string, prepare: () => { start: Start; store?: CountedStore }])[] = [
  ['memory', prepareMemory],
  ['cookie', () => ({ start: (options) => sessions(cookie, options) })],
]

function prepareMemory() {
  const store = new CountedStore()
  return { store, start: (options: CoreOptions) => sessions(store, options) }
}

const emitWarning = vi.spyOn(process, 'emitWarning')
beforeEach(() => void emitWarning.mockReset().mockReturnValue())
afterAll(() => emitWarning.mockRestore())

/** A browser that got its cookie from `from` and now visits `to`. */
async function moved(from: Sessions, to: Sessions): Promise<Browser> {
  const browser = new Browser(from)
  await browser.visit((session) => Object.assign(session, { user: 7 }))
  return browser.at(to)
}

describe.each(KINDS)('rotation of secrets on the %s store', (_, prepare) => {
  test('makes tokens with the newest', async () => {
    const { start } = prepare()
    const both = start({ secret: [SECRET, OLDER_SECRET] })
    expect(await (await moved(both, start({ secret: SECRET }))).see()).toEqual({ user: 7 })
    expect(await (await moved(both, start({ secret: OLDER_SECRET }))).see()).toEqual({})
  })

  test('accepts an older secret, and renews the cookie at once, even if the request only reads', async () => {
    const { start } = prepare()
    const browser = await moved(start({ secret: OLDER_SECRET }), start({ secret: [SECRET, OLDER_SECRET] }))
    const old = browser.token
    expect(await browser.see()).toEqual({ user: 7 })
    expect(browser.token).not.toBe(old)
    const later = browser.at(start({ secret: SECRET }))
    expect(await later.see()).toEqual({ user: 7 })
  })

  test('renews a cookie once', async () => {
    const { start } = prepare()
    const browser = await moved(start({ secret: OLDER_SECRET }), start({ secret: [SECRET, OLDER_SECRET] }))
    await browser.see()
    await browser.see()
    expect(browser.setCookie).toBeUndefined()
  })

  test('renews a cookie that comes with a change', async () => {
    const { start } = prepare()
    const browser = await moved(start({ secret: OLDER_SECRET }), start({ secret: [SECRET, OLDER_SECRET] }))
    await browser.visit((session) => Object.assign(session, { user: 8 }))
    const later = browser.at(start({ secret: SECRET }))
    expect(await later.see()).toEqual({ user: 8 })
  })

  test('leaves the cookie to a response that failed', async () => {
    const { start } = prepare()
    const browser = await moved(start({ secret: OLDER_SECRET }), start({ secret: [SECRET, OLDER_SECRET] }))
    await browser.visit((session) => session['user'], 500)
    expect(browser.setCookie).toBeUndefined()
  })

  test('refuses one that was removed', async () => {
    const { start } = prepare()
    const browser = await moved(start({ secret: OLDER_SECRET }), start({ secret: [SECRET, OTHER_SECRET] }))
    expect(await browser.see()).toEqual({})
  })
})

describe('rotation of secrets on a server store', () => {
  test('costs no write', async () => {
    const { store, start } = prepareMemory()
    const browser = await moved(start({ secret: OLDER_SECRET }), start({ secret: [SECRET, OLDER_SECRET] }))
    store.take()
    await browser.see()
    expect(browser.setCookie).toBeDefined()
    expect(store.take()).toEqual(['read'])
  })

  test('keeps both tokens of the session good until it is done', async () => {
    const { start } = prepareMemory()
    const both = start({ secret: [SECRET, OLDER_SECRET] })
    const browser = await moved(start({ secret: OLDER_SECRET }), both)
    const parallel = browser.at(both)
    await browser.visit((session) => Object.assign(session, { user: 8 }))
    expect(await parallel.see()).toEqual({ user: 8 })
  })
})

describe.each(KINDS)('isolation on the %s store', (_, prepare) => {
  test.each<[string, CoreOptions, CoreOptions]>([
    ['another secret', { secret: SECRET }, { secret: OTHER_SECRET }],
    [
      'another cookie name, under which the token is sent',
      { secret: SECRET, cookie: { name: 'one' } },
      { secret: SECRET, cookie: { name: 'two' } },
    ],
  ])('%s sees nothing', async (_other, one, two) => {
    const { start } = prepare()
    const browser = new Browser(start(one))
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    const stranger = new Browser(start(two))
    stranger.jar.set(`__Host-${two.cookie?.name ?? 'sess'}`, browser.token)
    expect(await stranger.see()).toEqual({})
  })

  test('an equal secret, cookie name and store see one session', async () => {
    const { start } = prepare()
    const browser = await moved(start({ secret: SECRET }), start({ secret: [undefined, SECRET, OTHER_SECRET] }))
    expect(await browser.see()).toEqual({ user: 7 })
  })
})

describe('derived keys', () => {
  const hex = (keys: readonly Uint8Array[]) => keys.map((key) => Buffer.from(key).toString('hex'))

  test('are of 32 bytes, one for each secret, the newest first', () => {
    const keys = createAdapterContext({ secret: [SECRET, OLDER_SECRET] }).keys('purpose')
    expect(keys.map((key) => key.byteLength)).toEqual([32, 32])
    expect(hex(keys)).toEqual([
      ...hex(createAdapterContext({ secret: SECRET }).keys('purpose')),
      ...hex(createAdapterContext({ secret: OLDER_SECRET }).keys('purpose')),
    ])
  })

  test("differ per purpose and secret, and an adapter's from core's own", () => {
    const context = createAdapterContext({ secret: [SECRET, OLDER_SECRET] })
    const core = new Keyring([SECRET, OLDER_SECRET])
    const keys = [
      context.keys('token'),
      context.keys('other'),
      context.keys(''),
      core.keys('token'),
      core.keys('slice'),
    ]
    expect(new Set(keys.flatMap(hex)).size).toBe(10)
  })

  test('do not depend on where the secret ends and the purpose begins', () => {
    const one = new Keyring([`${SECRET}a`]).keys('b')
    expect(hex(one)).not.toEqual(hex(new Keyring([SECRET]).keys('ab')))
  })
})

describe.each(KINDS)('SESS_FOREIGN_TOKEN on the %s store', (_, prepare) => {
  test('is given once for tokens of another secret, and shows neither', async () => {
    const { start } = prepare()
    const sess = start({ secret: SECRET, cookie: { name: 'shop' } })
    const from = start({ secret: OTHER_SECRET, cookie: { name: 'shop' } })
    const tokens = []
    for (let count = 0; count < 3; count++) {
      const browser = await moved(from, sess)
      tokens.push(browser.token)
      await browser.see()
    }
    expect(emitWarning.mock.calls).toEqual([
      [expect.stringContaining("'shop'"), { type: 'SessWarning', code: 'SESS_FOREIGN_TOKEN' }],
    ])
    const shown = inspect(emitWarning.mock.calls, { depth: null })
    for (const hidden of [SECRET, OTHER_SECRET, ...tokens]) expect(shown).not.toContain(hidden)
  })

  test('is given by each application on its own', async () => {
    const { start } = prepare()
    const from = start({ secret: OTHER_SECRET })
    await (await moved(from, start({ secret: SECRET }))).see()
    await (await moved(from, start({ secret: SECRET }))).see()
    expect(emitWarning).toHaveBeenCalledTimes(2)
  })

  test.each(['', 'x', 'x'.repeat(63), `${'x'.repeat(70)}.`, `"${'x'.repeat(64)}"`, '\u2620'.repeat(80)])(
    'is not given for junk: %j',
    async (junk) => {
      const { start } = prepare()
      await start({ secret: SECRET }).exchange(`__Host-sess=${junk}`).open()
      expect(emitWarning).not.toHaveBeenCalled()
    },
  )

  test('is not given for a session that has ended', async () => {
    const { start } = prepare()
    let now = Date.UTC(2030, 0)
    const sess = start({ secret: SECRET, clock: () => now })
    const browser = await moved(sess, sess)
    now += 8 * 24 * 60 * 60 * 1000
    expect(await browser.see()).toEqual({})
    expect(emitWarning).not.toHaveBeenCalled()
  })
})

describe('no secret, token or data is shown', () => {
  const PRIVATE = 'what the user put into the session'

  test.each<[string, () => Sessions]>([
    ['memory', () => sessions(memory, { secret: SECRET, scope: 'inspected' })],
    ['cookie', () => sessions(cookie, { secret: SECRET })],
  ])('by inspecting what an application holds, on the %s store', async (_, start) => {
    const sess = start()
    onTestFinished(() => sess.close())
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, { note: PRIVATE }))
    const exchange = sess.exchange(browser.cookie)
    const session = await exchange.open()
    session['list'] = [PRIVATE]
    expectHidden({ sess, exchange, session }, [SECRET, browser.token, PRIVATE])
    await exchange.commit(200)
    expectHidden({ sess, exchange, session }, [SECRET, browser.token, PRIVATE])
    expect(JSON.stringify({ sess, exchange })).toBe('{"sess":{},"exchange":{}}')
    expect(JSON.stringify(session)).toBe(JSON.stringify({ note: PRIVATE, list: [PRIVATE] }))
  })

  test.each([memory, cookie])('by inspecting a store and what it was made of: %o', (adapter) => {
    const context = createAdapterContext({ secret: SECRET })
    const store = adapter({}, context)
    if (store.kind === 'server') onTestFinished(() => store.close())
    expectHidden({ context, store }, [SECRET])
    expect(JSON.stringify({ context, store })).not.toContain(SECRET)
  })

  test('by errors', async () => {
    const sess = sessions(cookie, { secret: SECRET })
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, { note: PRIVATE }))
    const session = await sess.exchange(browser.cookie).open()
    const errors = [
      await failureOf(browser.visit((own) => Object.assign(own, { long: PRIVATE.repeat(200) }))),
      thrownBy(() => Reflect.set(session, 'note', { [PRIVATE.slice(0, 4)]: new Map([[PRIVATE, PRIVATE]]) })),
      thrownBy(() => Reflect.set(session, 'save', PRIVATE)),
      thrownBy(() => Reflect.set(session, 'note', [PRIVATE, Symbol(PRIVATE)])),
      thrownBy(() => Object.freeze(session)),
    ]
    expectHidden(errors, [SECRET, browser.token, PRIVATE])
    expect(JSON.stringify(errors)).not.toContain(PRIVATE)
  })
})

function expectHidden(value: unknown, hidden: readonly string[]): void {
  const keys = new Keyring([SECRET])
  const derived = ['token', 'slice', 'adapter/cookie-seal', 'adapter/cookie-hint'].flatMap((name) => keys.keys(name))
  for (const showProxy of [true, false]) {
    for (const customInspect of [true, false]) {
      const shown = inspect(value, {
        depth: null,
        showHidden: true,
        maxArrayLength: null,
        maxStringLength: null,
        breakLength: Infinity,
        showProxy,
        customInspect,
      })
      for (const text of hidden) expect(shown).not.toContain(text)
      for (const key of derived) {
        expect(shown).not.toContain(inspect(key).slice(-40, -3))
        expect(shown).not.toContain(inspect(Buffer.from(key)).slice(-40, -3))
      }
    }
  }
}
