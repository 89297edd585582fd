import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import cookie from '@sess/adapter-cookie'
import memory from '@sess/adapter-memory'
import { type AnyData, type CookieOptions, type CoreOptions, type Session, type Sessions, sessions } from '@sess/core'
import { createAdapterContext, type ServerStore, SessError } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Browser } from '../support/browser.ts'
import { Clock, DAY, HOUR } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'
import { Handling, serve } from '../support/served.ts'
import { TroubledStore } from '../support/troubled-store.ts'

const emitWarning = vi.spyOn(process, 'emitWarning')
beforeAll(() => void emitWarning.mockReturnValue())
afterAll(() => emitWarning.mockRestore())

const JUNK = 'A'.repeat(64)

interface Application {
  readonly sess: Sessions
  readonly clock: Clock
  readonly store?: CountedStore
}

function onMemory(): Application & { readonly store: CountedStore } {
  const clock = new Clock()
  const store = new CountedStore()
  return { clock, store, sess: sessions(store, { secret: SECRET, clock: clock.read }) }
}

function onCookie(): Application {
  const clock = new Clock()
  return { clock, sess: sessions(cookie, { secret: SECRET, clock: clock.read }) }
}

const KINDS: readonly (readonly [kind: string, start: () => Application])[] = [
  ['memory', onMemory],
  ['cookie', onCookie],
]

/** The token of a new session with this `user`. */
async function tokenOf(sess: Sessions, user: number): Promise<string> {
  const browser = new Browser(sess)
  await browser.visit((session) => Object.assign(session, { user }))
  return browser.token
}

function headerOf(...values: string[]): string {
  return values.map((value) => `__Host-sess=${value}`).join('; ')
}

async function seen(sess: Sessions, header: string): Promise<object> {
  return { ...(await sess.exchange(header).open()) }
}

const ORDERS: readonly (readonly [order: string, of: (older: string, newer: string) => readonly string[]])[] = [
  ['behind the others', (older, newer) => [older, newer]],
  ['before the others', (older, newer) => [newer, older]],
]

/** Its reads take a turn of the event loop. */
class SlowStore extends CountedStore {
  mostAtOnce = 0
  /** The key whose read fails. */
  failing: string | undefined
  #reading = 0

  override async read(key: string): ReturnType<ServerStore['read']> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#reading)
    await setImmediate()
    this.#reading--
    if (key === this.failing) throw new SessError('UNAVAILABLE', 'The store is down.')
    return super.read(key)
  }
}

type Order = (typeof ORDERS)[number][1]

/** A browser that also sends the cookie that it had before `cookie.path` was changed, and keeps that. */
class DeployedTo {
  readonly #sess: Sessions
  readonly #older: string
  readonly #order: Order
  #newer = ''
  setCookie: string | undefined

  constructor(sess: Sessions, older: string, order: Order) {
    this.#sess = sess
    this.#older = older
    this.#order = order
  }

  get header(): string {
    const values = this.#order(this.#older, this.#newer).filter((value) => value !== '')
    return values.map((value) => `__Secure-sess=${value}`).join('; ')
  }

  async visit(use: (session: Session<AnyData>) => unknown, status = 200): Promise<void> {
    const exchange = this.#sess.exchange(this.header)
    await use(await exchange.open())
    const [[name, line] = []] = await exchange.commit(status)
    this.setCookie = name === 'set-cookie' ? line : undefined
    if (this.setCookie !== undefined) this.#newer = /^__Secure-sess=([^;]*)/.exec(this.setCookie)?.[1] ?? ''
  }

  see(): Promise<object> {
    return seen(this.#sess, this.header)
  }

  get read(): Promise<object | null> {
    return this.#sess.read({ headers: { cookie: this.header } })
  }
}

const DEPLOYED: readonly (readonly [string, start: (options: CoreOptions) => Sessions, order: Order])[] = [
  ['memory', (options: CoreOptions) => sessions(memory, options)] as const,
  ['cookie', (options: CoreOptions) => sessions(cookie, options)] as const,
].flatMap(([kind, start]) => ORDERS.map(([name, order]) => [`${kind} store, sent ${name}`, start, order] as const))

describe.each(DEPLOYED)('where an older cookie of another path is still there, on the %s', (_, start, order) => {
  async function begin(): Promise<{ readonly clock: Clock; readonly browser: DeployedTo }> {
    const clock = new Clock()
    const [before, after] = ['/app', '/app/shop'].map((path) =>
      start({ secret: SECRET, clock: clock.read, cookie: { path } }),
    )
    if (before === undefined || after === undefined) throw new Error('expected two applications')
    const older = new Browser(before)
    await older.visit((session) => Object.assign(session, { user: 1, theme: 'dark' }))
    clock.advance(HOUR)
    return { clock, browser: new DeployedTo(after, older.token, order) }
  }

  test('a change is kept', async () => {
    const { browser, clock } = await begin()
    for (const theme of ['light', 'lighter', 'dark']) {
      clock.advance(1)
      await browser.visit((session) => Object.assign(session, { theme }))
      expect(await browser.see()).toEqual({ user: 1, theme })
    }
  })

  test('a login is kept', async () => {
    const { browser } = await begin()
    await browser.visit((session) => {
      session.regenerate()
      session['user'] = 2
    })
    expect(await browser.see()).toEqual({ user: 2, theme: 'dark' })
  })

  test.each<[string, (session: Session<AnyData>) => unknown, status?: number]>([
    ['alone', (session) => session.destroy()],
    [
      'that is saved',
      async (session) => {
        session.destroy()
        await session.save()
      },
    ],
    ['in a response that fails', (session) => session.destroy(), 500],
  ])('a logout holds until the older cookie has expired: %s', async (_how, logout, status) => {
    const { browser, clock } = await begin()
    await browser.visit(logout, status)
    for (const hours of [0, 1, 2, 12, 8, 0.99, 0.01, 100]) {
      clock.advance(hours * HOUR)
      expect(await browser.see()).toEqual({})
      expect(await browser.read).toBeNull()
      await browser.visit((session) => session['user'])
      expect(browser.setCookie).toBeUndefined()
    }
  })

  test('a logout after a login holds', async () => {
    const { browser, clock } = await begin()
    await browser.visit((session) => {
      session.regenerate()
      session['user'] = 2
    })
    clock.advance(HOUR)
    await browser.visit((session) => session.destroy())
    expect(await browser.see()).toEqual({})
  })

  test('a second logout holds', async () => {
    const { browser, clock } = await begin()
    for (let time = 0; time < 3; time++) {
      await browser.visit((session) => session.destroy())
      expect(await browser.see()).toEqual({})
      clock.advance(HOUR)
    }
  })

  test('a login after a logout is kept, and has nothing of before', async () => {
    const { browser, clock } = await begin()
    await browser.visit((session) => session.destroy())
    clock.advance(1)
    await browser.visit((session) => {
      session.regenerate()
      session['user'] = 3
    })
    expect(await browser.see()).toEqual({ user: 3 })
  })

  test('a logout that begins another session leaves that one', async () => {
    const { browser } = await begin()
    await browser.visit((session) => {
      session.destroy()
      session['notice'] = 'Bye.'
    })
    expect(await browser.see()).toEqual({ notice: 'Bye.' })
  })
})

describe('a logout where an older cookie of another path is still there', () => {
  test.each<[changed: string, before: CookieOptions, after: CookieOptions]>([
    ['the domain', { domain: 'example.com' }, { domain: 'shop.example.com' }],
    ['the path', { path: '/app' }, { path: '/app/shop' }],
    ['both', { path: '/app' }, { domain: 'example.com' }],
    ['the partitioning', { sameSite: 'none' }, { sameSite: 'none', partitioned: true }],
    ['the partitioning, back', { sameSite: 'none', partitioned: true }, { sameSite: 'none' }],
  ])(
    'is remembered in the cookie store though the request had the older cookie alone: %s',
    async (_, before, after) => {
      const old = new Browser(sessions(cookie, { secret: SECRET, cookie: before }))
      await old.visit((session) => Object.assign(session, { user: 1 }))
      const sess = sessions(cookie, { secret: SECRET, cookie: after })
      const browser = old.at(sess)
      await browser.visit((session) => session.destroy())
      const both = `${old.cookie}; ${browser.cookie}`
      expect(browser.cookie).not.toBe(old.cookie)
      expect({ ...(await sess.exchange(both).open()) }).toEqual({})
    },
  )

  test('clears the cookie in the cookie store if it is of this domain and path', async () => {
    const browser = new Browser(sessions(cookie, { secret: SECRET, cookie: { path: '/app' } }))
    await browser.visit((session) => Object.assign(session, { user: 1 }))
    await browser.visit((session) => session.destroy())
    expect(browser.jar.size).toBe(0)
  })

  test('ends every session of the browser on a server store', async () => {
    const { sess, store, clock } = onMemory()
    const tokens = [await tokenOf(sess, 1), await tokenOf(sess, 2), await tokenOf(sess, 3)]
    clock.advance(1)
    const exchange = sess.exchange(headerOf(...tokens))
    const session = await exchange.open()
    session.destroy()
    await exchange.commit(200)
    for (const token of tokens) expect(await seen(sess, headerOf(token))).toEqual({})
    expect(await store.drain()).toBe(0)
  })

  test('that fails for an older session is no success, and can be repeated', async () => {
    const store = new TroubledStore()
    const sess = sessions(store, { secret: SECRET })
    const tokens = [await tokenOf(sess, 1), await tokenOf(sess, 2)]
    const logout = async () => {
      const exchange = sess.exchange(headerOf(...tokens))
      const session = await exchange.open()
      session.destroy()
      await exchange.commit(200)
    }
    store.isDown = true
    await expect(logout()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    store.isDown = false
    await logout()
    for (const token of tokens) expect(await seen(sess, headerOf(token))).toEqual({})
  })

  test('shows nothing of what it ended in the cookie store', async () => {
    const { sess } = onCookie()
    const exchange = sess.exchange(headerOf(await tokenOf(sess, 1), await tokenOf(sess, 2)))
    const session = await exchange.open()
    session.destroy()
    const [[, line] = []] = await exchange.commit(200)
    const client = cookie({}, createAdapterContext({ secret: SECRET }))
    if (client.kind !== 'client') throw new Error('expected a client store')
    const opened = await client.open(/=([^;]*)/.exec(line ?? '')?.[1] ?? '')
    expect(JSON.parse(opened?.data ?? '')).toEqual(['', expect.any(Number), expect.any(Number), {}])
  })
})

describe.each(KINDS)('of several cookies of our name, on the %s store', (_, start) => {
  test('the one that is live is found behind junk', async () => {
    const { sess } = start()
    const live = await tokenOf(sess, 7)
    expect(await seen(sess, headerOf(JUNK, '', 'x', live))).toEqual({ user: 7 })
    expect(await seen(sess, headerOf(live, JUNK))).toEqual({ user: 7 })
  })

  test('the one that is live is found behind one that has expired', async () => {
    const { sess, clock } = start()
    const expired = await tokenOf(sess, 6)
    clock.advance(31 * DAY)
    const live = await tokenOf(sess, 7)
    expect(await seen(sess, headerOf(expired, live))).toEqual({ user: 7 })
  })

  test.each(ORDERS)('the one that began last is the session, %s', async (_order, order) => {
    const { sess, clock } = start()
    const older = await tokenOf(sess, 1)
    clock.advance(1)
    expect(await seen(sess, headerOf(...order(older, await tokenOf(sess, 2))))).toEqual({ user: 2 })
  })

  test.each(ORDERS)(
    'the one that logged in last is the session, whatever began or was used last, %s',
    async (_order, order) => {
      const { sess, clock } = start()
      const [one, other] = [new Browser(sess), new Browser(sess)]
      await one.visit((session) => Object.assign(session, { user: 1 }))
      clock.advance(HOUR)
      await other.visit((session) => Object.assign(session, { user: 2 }))
      clock.advance(HOUR)
      await one.visit((session) => {
        session['user'] = 1
        session.regenerate()
      })
      clock.advance(2 * HOUR)
      await other.visit((session) => Object.assign(session, { user: 3 }))
      expect(await seen(sess, headerOf(...order(other.token, one.token)))).toEqual({ user: 1 })
    },
  )

  test.each(ORDERS)(
    'of those that began at once the one that was used last is the session, %s',
    async (_order, order) => {
      const { sess, clock } = start()
      const [older, newer] = [new Browser(sess), new Browser(sess)]
      for (const browser of [older, newer]) await browser.visit((session) => Object.assign(session, { user: 1 }))
      clock.advance(2 * HOUR)
      await newer.visit((session) => Object.assign(session, { user: 2 }))
      expect(await seen(sess, headerOf(...order(older.token, newer.token)))).toEqual({ user: 2 })
    },
  )

  test('of those that are equally old the last is the session', async () => {
    const { sess } = start()
    const [one, other] = [await tokenOf(sess, 1), await tokenOf(sess, 2)]
    expect(await seen(sess, headerOf(one, other))).toEqual({ user: 2 })
    expect(await seen(sess, headerOf(other, one))).toEqual({ user: 1 })
  })

  test('names that are merely like ours are not ours', async () => {
    const { sess } = start()
    const token = await tokenOf(sess, 7)
    const names = ['__host-sess', '__Host-sess2', 'x__Host-sess', '__Host-SESS', '__Host-ses', 'sess', '__Secure-sess']
    expect(await seen(sess, names.map((name) => `${name}=${token}`).join('; '))).toEqual({})
  })

  test('blanks around a name and a value mean nothing', async () => {
    const { sess } = start()
    const token = await tokenOf(sess, 7)
    expect(await seen(sess, `a=b;\t__Host-sess =  ${token}\t ;c=d`)).toEqual({ user: 7 })
    expect(await seen(sess, `a=b;__Host-sess=${token};c=d`)).toEqual({ user: 7 })
  })
})

describe('of several cookies of our name, on a server store', () => {
  test('the one that is live is found behind one that was rotated away', async () => {
    const { sess } = onMemory()
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    const old = browser.token
    await browser.visit((session) => session.regenerate())
    expect(await seen(sess, headerOf(old, browser.token))).toEqual({ user: 7 })
  })

  test('a change is stored in the one that was found', async () => {
    const { sess, store } = onMemory()
    const live = await tokenOf(sess, 7)
    const key = store.calls.splice(0)[0]?.key
    const exchange = sess.exchange(headerOf(JUNK, live))
    Object.assign(await exchange.open(), { user: 8 })
    expect(await exchange.commit(200, {})).toEqual([['vary', 'Cookie']])
    expect(store.calls.map(({ method, key: used }) => [method, used])).toEqual([
      ['read', key],
      ['update', key],
    ])
  })

  test('a repeated token costs nothing more', async () => {
    const { sess, store, clock } = onMemory()
    const token = await tokenOf(sess, 7)
    clock.advance(31 * DAY)
    store.take()
    expect(await seen(sess, headerOf(token, token, JUNK, token))).toEqual({})
    expect(store.take()).toEqual(['read'])
  })

  test('two tokens of one session, of an old secret and a new one, are one session', async () => {
    const store = new CountedStore()
    const before = new Browser(sessions(store, { secret: SECRET }))
    await before.visit((session) => Object.assign(session, { user: 7 }))
    const sess = sessions(store, { secret: [`new ${SECRET}`, SECRET] })
    const after = before.at(sess)
    await after.see()
    for (const tokens of [
      [before.token, after.token],
      [after.token, before.token],
    ]) {
      store.take()
      const exchange = sess.exchange(headerOf(...tokens))
      expect({ ...(await exchange.open()) }).toEqual({ user: 7 })
      expect(await exchange.commit(200, {})).toEqual([['vary', 'Cookie']])
      expect(store.take()).toEqual(['read'])
    }
  })

  test('the reads run side by side', async () => {
    const store = new SlowStore()
    const sess = sessions(store, { secret: SECRET })
    const tokens = [await tokenOf(sess, 1), await tokenOf(sess, 2), await tokenOf(sess, 3)]
    expect(await seen(sess, headerOf(...tokens))).toEqual({ user: 3 })
    expect(store.mostAtOnce).toBe(3)
  })

  test('one read that fails fails the request', async () => {
    const store = new SlowStore()
    const sess = sessions(store, { secret: SECRET })
    const tokens = [await tokenOf(sess, 1), await tokenOf(sess, 2)]
    store.failing = store.calls.at(-1)?.key
    await expect(seen(sess, headerOf(...tokens))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

describe.each(KINDS)('a header of any size, on the %s store', (_, start) => {
  const CROWDS: readonly (readonly [what: string, make: (count: number) => readonly string[]])[] = [
    ['cookies of other names', (count) => Array.from({ length: count }, (_unused, index) => `c${index}=v`)],
    ['cookies of our name', (count) => Array.from({ length: count }, (_unused, index) => `__Host-sess=${index}`)],
    [
      'tokens that we did not make',
      (count) => Array.from({ length: count }, (_unused, index) => `__Host-sess=${String(index).padStart(64, 'A')}`),
    ],
    ['cookies without a name', (count) => Array.from({ length: count }, () => '=v')],
    ['cookies without a value', (count) => Array.from({ length: count }, () => '__Host-sess')],
    ['semicolons', (count) => Array.from({ length: count }, () => '')],
    ['equals signs', (count) => ['__Host-sess'.padEnd(count, '=')]],
  ]

  test.each(CROWDS)('opens nothing and asks nothing of the store: ten thousand %s', async (_what, make) => {
    const { sess, store } = start()
    expect(await seen(sess, make(10_000).join('; '))).toEqual({})
    expect(store?.take() ?? []).toEqual([])
  })

  test.each(CROWDS)('hides no session: ten thousand %s', async (_what, make) => {
    const { sess } = start()
    const token = await tokenOf(sess, 7)
    expect(await seen(sess, [...make(10_000), headerOf(token)].join('; '))).toEqual({ user: 7 })
  })

  test('opens nothing: one cookie of 64 kB', async () => {
    const { sess, store } = start()
    for (const value of ['A', '%41', '"', '\\', '\0', 'é', '\ud83d'].map((text) => text.repeat(65_536)))
      expect(await seen(sess, headerOf(value))).toEqual({})
    expect(store?.take() ?? []).toEqual([])
  })
})

describe('the work for a header', () => {
  /** A cookie store that counts its calls of `open`. */
  function withSpy() {
    const client = cookie({}, createAdapterContext({ secret: SECRET }))
    if (client.kind !== 'client') throw new Error('expected a client store')
    const open = vi.fn<typeof client.open>(client.open.bind(client))
    return { open, sess: sessions({ ...client, open }, { secret: SECRET }) }
  }

  test.each([1, 5, 6, 220, 1000])('is one read for each token that we made, and five at most: %d', async (count) => {
    const { sess, store, clock } = onMemory()
    const tokens = []
    for (let user = 0; user < count; user++) tokens.push(await tokenOf(sess, user))
    clock.advance(31 * DAY)
    store.take()
    expect(await seen(sess, headerOf(...tokens, ...tokens))).toEqual({})
    expect(store.take()).toHaveLength(Math.min(count, 5))
  })

  test.each([1, 5, 6, 100])('is five tokens of ours that are opened, at most: %d', async (count) => {
    const { sess, open } = withSpy()
    const tokens = []
    for (let user = 0; user < count; user++) tokens.push(await tokenOf(sess, user))
    await seen(sess, headerOf(...tokens, ...tokens))
    expect(open).toHaveBeenCalledTimes(Math.min(count, 5))
  })

  test.each([1, 10, 100, 1000])('is one attempt to open for each other value: %d', async (count) => {
    const { sess, open } = withSpy()
    const values = Array.from({ length: count }, (_, index) => `value${index}`)
    expect(await seen(sess, headerOf(...values, ...values))).toEqual({})
    expect(open).toHaveBeenCalledTimes(count)
  })
})

describe.each(KINDS)('a header of any kind, on the %s store', (_, start) => {
  test.each([
    '',
    ';',
    '=',
    ';;;=;=',
    '__Host-sess',
    '__Host-sess=',
    '__Host-sess==',
    '__Host-sess="',
    '__Host-sess=""',
    '__Host-sess=\0',
    '__Host-sess=%',
    '__Host-sess=%E0%A4%A',
    '__Host-sess=\u2620\ufeff',
    '__Host-sess=\ud800',
    '__Host-sess=a\r\nSet-Cookie: x=y',
    '__proto__=x; constructor=y; toString=z',
    '$Version=1; __Host-sess="x"; $Path=/',
  ])('opens nothing and throws nothing: %j', async (header) => {
    const { sess, store } = start()
    expect(await seen(sess, header)).toEqual({})
    expect(store?.take() ?? []).toEqual([])
  })

  test('opens nothing and throws nothing: any string', async () => {
    const { sess, store } = start()
    const parts = fc.constantFrom('__Host-sess', '__Host-sess=', '=', ';', '"', ' ', '\0', JUNK)
    const header = fc.array(fc.oneof(parts, fc.string({ unit: 'binary' }))).map((texts) => texts.join(''))
    await fc.assert(
      fc.asyncProperty(header, async (text) => {
        expect(await seen(sess, text)).toEqual({})
        expect(store?.take() ?? []).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  test('opens the session, with any text around its cookie', async () => {
    const { sess } = start()
    const token = await tokenOf(sess, 7)
    const text = fc.string({ unit: 'binary' })
    await fc.assert(
      fc.asyncProperty(text, text, async (before, after) => {
        expect(await seen(sess, `${before};${headerOf(token)};${after}`)).toEqual({ user: 7 })
      }),
    )
  })
})

describe('a request of Node', () => {
  test('may have its cookies in several headers', async () => {
    const { sess } = onMemory()
    const token = await tokenOf(sess, 7)
    const handling = new Handling(async (request, response) => {
      response.end(JSON.stringify(await sess.open(request, response)))
    })
    const headers = { host: 'shop.example', cookie: ['a=b', headerOf(JUNK), headerOf(token)] }
    const request = httpRequest({ port: await serve(handling.listener), host: '127.0.0.1', headers })
    const answered = once(request, 'response')
    request.end()
    const [response] = await answered
    expect(JSON.parse((await response.setEncoding('utf8').toArray()).join(''))).toEqual({ user: 7 })
  })

  test('may have them in an array, as in an imitation of a request', async () => {
    const { sess } = onMemory()
    const token = await tokenOf(sess, 7)
    expect(await sess.read({ headers: { cookie: ['a=b', headerOf(token)] } })).toEqual({ user: 7 })
    expect(await sess.read({ headers: { cookie: [] } })).toBeNull()
  })
})
