import { type AnyData, type CookieOptions, type CoreOptions, type Headers, type Session, sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { Browser } from '../support/browser.ts'
import { Clock, DAY, HOUR, SECOND } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'

function browse(options: Partial<CoreOptions> = {}, on: { readonly https?: boolean } = {}): Browser {
  return new Browser(sessions(new CountedStore(), { secret: SECRET, ...options }), on)
}

/** The parts of a `Set-Cookie` header; the attributes are sorted, since their order has no meaning. */
function partsOf(line: string | undefined): { name: string; value: string; attributes: readonly string[] } {
  const [pair = '', ...rest] = (line ?? '').split('; ')
  const [name = '', value = ''] = pair.split('=')
  return { name, value, attributes: rest.toSorted() }
}

function attributes(text: string): readonly string[] {
  return text.split('; ').toSorted()
}

describe('Set-Cookie', () => {
  describe.each<[CookieOptions, name: string, attributes: string]>([
    [{}, '__Host-sess', 'Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ name: 'id' }, '__Host-id', 'Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ name: '__Host-id' }, '__Host-id', 'Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ name: '__Secure-id' }, '__Secure-id', 'Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ secure: true }, '__Host-sess', 'Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ secure: false }, 'sess', 'Path=/; HttpOnly; SameSite=Lax'],
    [{ domain: 'example.com' }, '__Secure-sess', 'Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ domain: 'example.com', secure: false }, 'sess', 'Domain=example.com; Path=/; HttpOnly; SameSite=Lax'],
    [{ path: '/app' }, '__Secure-sess', 'Path=/app; HttpOnly; Secure; SameSite=Lax'],
    [{ path: '/app', name: '__Secure-id' }, '__Secure-id', 'Path=/app; HttpOnly; Secure; SameSite=Lax'],
    [{ sameSite: 'strict' }, '__Host-sess', 'Path=/; HttpOnly; Secure; SameSite=Strict'],
    [{ sameSite: 'none' }, '__Host-sess', 'Path=/; HttpOnly; Secure; SameSite=None'],
    [{ partitioned: true, sameSite: 'none' }, '__Host-sess', 'Path=/; HttpOnly; Secure; Partitioned; SameSite=None'],
    [{ prefix: false }, 'sess', 'Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ prefix: false, name: '__session' }, '__session', 'Path=/; HttpOnly; Secure; SameSite=Lax'],
    [{ prefix: false, path: '/app' }, 'sess', 'Path=/app; HttpOnly; Secure; SameSite=Lax'],
    [{ prefix: false, secure: false }, 'sess', 'Path=/; HttpOnly; SameSite=Lax'],
    [{ persistent: true }, '__Host-sess', 'Path=/; HttpOnly; Secure; SameSite=Lax'],
  ])('with the options %j', (options, name, expected) => {
    test('has these attributes and no other', async () => {
      const browser = browse({ cookie: options })
      await browser.visit((session) => Object.assign(session, { user: 7 }))
      const lasting = options.persistent === true ? '; Max-Age=86400' : ''
      expect(partsOf(browser.setCookie)).toEqual({
        name,
        value: expect.stringMatching(/^[A-Za-z0-9_-]{64}$/),
        attributes: attributes(expected + lasting),
      })
    })

    test('has the same ones where it clears the cookie', async () => {
      const browser = browse({ cookie: options })
      await browser.visit((session) => Object.assign(session, { user: 7 }))
      await browser.visit((session) => session.destroy())
      const over = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'
      expect(partsOf(browser.setCookie)).toEqual({ name, value: '', attributes: attributes(`${expected}; ${over}`) })
      expect(browser.jar.size).toBe(0)
    })

    test('is read back under the name that it was set with', async () => {
      const browser = browse({ cookie: options })
      await browser.visit((session) => Object.assign(session, { user: 7 }))
      expect(await browser.see()).toEqual({ user: 7 })
    })
  })

  test.each(['__proto__', 'constructor', 'toString', '$.*+|', "!#$%&'*+-.^_`|~", '0'])(
    'may have the name %s',
    async (name) => {
      const browser = browse({ cookie: { name } })
      await browser.visit((session) => Object.assign(session, { user: 7 }))
      expect(partsOf(browser.setCookie).name).toBe(`__Host-${name}`)
      expect(await browser.see()).toEqual({ user: 7 })
    },
  )

  test('clears no cookie that the browser does not have', async () => {
    const browser = browse()
    await browser.visit((session) => session.destroy())
    expect(browser.setCookie).toBeUndefined()
  })

  test('clears a cookie that opened nothing, at logout', async () => {
    const browser = browse()
    browser.jar.set('__Host-sess', 'junk')
    await browser.visit((session) => session.destroy())
    expect(browser.jar.size).toBe(0)
  })

  test('is not sent again for a change of a session on a server store', async () => {
    const browser = browse()
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    await browser.visit((session) => Object.assign(session, { user: 8 }))
    expect(browser.setCookie).toBeUndefined()
  })
})

describe('a persistent cookie', () => {
  const MAX_AGE = /Max-Age=(\d+)/

  test.each<[string, Partial<CoreOptions>, seconds: number]>([
    ['the idle timeout', { idleTimeout: '2h' }, 7200],
    ['the absolute timeout, where it is nearer', { absoluteTimeout: '1h' }, 3600],
    ['whole seconds, rounded up', { idleTimeout: 1001 }, 2],
    ['a second, where less is left', { idleTimeout: '1ms' }, 1],
    ['400 days, where more is left', { idleTimeout: '3650d', absoluteTimeout: '3650d' }, 400 * 24 * 60 * 60],
  ])('lives for %s', async (_, options, seconds) => {
    const browser = browse({ ...options, cookie: { persistent: true }, clock: new Clock().read })
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    expect(Number(MAX_AGE.exec(browser.setCookie ?? '')?.[1])).toBe(seconds)
  })

  test('that comes again lives for what is left by then', async () => {
    const clock = new Clock()
    const browser = browse({ cookie: { persistent: true }, absoluteTimeout: '30h', clock: clock.read })
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    clock.advance(20 * HOUR - SECOND / 2)
    await browser.see()
    expect(Number(MAX_AGE.exec(browser.setCookie ?? '')?.[1])).toBe(10 * 60 * 60 + 1)
  })

  test('is no longer than the clock says, should it go backwards', async () => {
    const clock = new Clock()
    const browser = browse({ cookie: { persistent: true }, clock: clock.read })
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    clock.advance(-DAY)
    await browser.visit((session) => session.regenerate())
    expect(Number(MAX_AGE.exec(browser.setCookie ?? '')?.[1])).toBe(24 * 60 * 60)
  })
})

describe('Cache-Control and Vary', () => {
  async function headersFor(
    use: (browser: Browser) => Promise<unknown>,
    seen: { vary?: string; cacheControl?: string } = {},
  ): Promise<Headers> {
    const browser = browse()
    await use(browser)
    browser.seen = seen
    await browser.visit((session) => Object.assign(session, { notice: 'new' }))
    return browser.headers
  }

  test.each<[seen: string | undefined, sent: string]>([
    [undefined, 'private'],
    ['', 'private'],
    ['public', 'private'],
    ['PUBLIC, max-age=60', 'private, max-age=60'],
    ['max-age=60,s-maxage=600', 'private, max-age=60'],
    ['public, S-MaxAge = 600 , must-revalidate', 'private, must-revalidate'],
    ['private, no-cache', 'private, no-cache'],
    ['no-store', 'private, no-store'],
    ['public, ext="a, public, s-maxage=1", max-age=1', 'private, ext="a, public, s-maxage=1", max-age=1'],
  ])('with Set-Cookie, Cache-Control %j becomes %j', async (seen, sent) => {
    const headers = await headersFor(async () => undefined, seen === undefined ? {} : { cacheControl: seen })
    expect(headers.map(([name]) => name)).toEqual(['set-cookie', 'cache-control', 'vary'])
    expect(headers[1]).toEqual(['cache-control', sent])
  })

  test.each<[seen: string | undefined, sent: string]>([
    [undefined, 'Cookie'],
    ['', 'Cookie'],
    ['Accept', 'Accept, Cookie'],
    ['Accept ,Accept-Encoding', 'Accept, Accept-Encoding, Cookie'],
    ['cookie', 'cookie'],
    ['Accept, COOKIE', 'Accept, COOKIE'],
    ['X-Cookie', 'X-Cookie, Cookie'],
    ['*', '*'],
  ])('where a session was used, Vary %j becomes %j', async (seen, sent) => {
    const headers = await headersFor(async () => undefined, seen === undefined ? {} : { vary: seen })
    expect(headers.at(-1)).toEqual(['vary', sent])
  })

  test('of a response that says nothing of caches say nothing more where a session is changed without a cookie', async () => {
    const headers = await headersFor((browser) => browser.visit((session) => Object.assign(session, { user: 7 })))
    expect(headers).toEqual([['vary', 'Cookie']])
  })

  describe.each<[string, (session: Session<AnyData>) => unknown]>([
    ['read', (session) => session['user']],
    ['changed', (session) => Object.assign(session, { user: 8 })],
  ])('where a session that there was is %s', (_, use) => {
    /** What the session makes of this `Cache-Control`; `undefined`: it is left alone. */
    async function madeOf(cacheControl: string | undefined, isThere = true): Promise<string | undefined> {
      const browser = browse()
      if (isThere) await browser.visit((session) => Object.assign(session, { user: 7 }))
      browser.seen = { cacheControl, names: ['cdn-cache-control'] }
      await browser.visit(use)
      return browser.headers.find(([name]) => name === 'cache-control')?.[1]
    }

    test.each<[seen: string, sent: string]>([
      ['public, max-age=0', 'private, max-age=0'],
      ['PUBLIC', 'private'],
      ['private, s-maxage=60', 'private'],
      ['no-store, public', 'private, no-store'],
      ['max-age=60', 'private, max-age=60'],
      ['no-cache', 'private, no-cache'],
      ['private="set-cookie", max-age=1', 'private, private="set-cookie", max-age=1'],
      ['no-cache="private"', 'private, no-cache="private"'],
    ])('Cache-Control %j becomes %j', async (seen, sent) => {
      expect(await madeOf(seen)).toBe(sent)
    })

    test.each([undefined, 'private, max-age=60', 'no-store', 'No-Store, max-age=0'])(
      'Cache-Control %j stays',
      async (seen) => expect(await madeOf(seen)).toBeUndefined(),
    )

    test('what a CDN heeds becomes no-store', async () => {
      const browser = browse()
      await browser.visit((session) => Object.assign(session, { user: 7 }))
      browser.seen = { names: ['content-type', 'CDN-Cache-Control', 'x-accel-expires'] }
      await browser.visit(use)
      expect(browser.headers).toEqual([
        ['cdn-cache-control', 'no-store'],
        ['x-accel-expires', '0'],
        ['vary', 'Cookie'],
      ])
    })
  })

  test('leave public what a visitor without a session got, who read it', async () => {
    const browser = browse()
    browser.seen = { cacheControl: 'public, max-age=60', names: ['cdn-cache-control'] }
    await browser.visit((session) => session['user'])
    expect(browser.headers).toEqual([['vary', 'Cookie']])
  })

  test('leave public what a visitor got whose session has ended', async () => {
    const browser = browse()
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    const { cookie } = browser
    await browser.visit((session) => session.destroy())
    const [name = '', value = ''] = cookie.split('=')
    browser.jar.set(name, value)
    browser.seen = { cacheControl: 'public, max-age=60' }
    await browser.visit((session) => session['user'])
    expect(browser.headers).toEqual([['vary', 'Cookie']])
  })

  test('leave public what did not use the session that there is', async () => {
    const browser = browse()
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    browser.seen = { cacheControl: 'public, max-age=60' }
    await browser.visit(() => undefined)
    expect(browser.headers).toEqual([])
  })

  test.each<[string, (session: Record<string, unknown>) => unknown]>([
    ['a key', (session) => session['user']],
    ['a key that is not there', (session) => session['none']],
    ['whether a key is there', (session) => 'none' in session],
    ['the keys', (session) => Object.keys(session)],
    ['the whole, as JSON', (session) => JSON.stringify(session)],
  ])('vary by cookie where a request only read %s', async (_, read) => {
    const browser = browse()
    await browser.visit(read)
    expect(browser.headers).toEqual([['vary', 'Cookie']])
  })

  test('are not set if the session was opened and not used', async () => {
    const browser = browse()
    await browser.visit((session) => Object.assign(session, { user: 7 }))
    await browser.visit(() => undefined)
    expect(browser.headers).toEqual([])
  })
})
