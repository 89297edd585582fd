import cookie from '@sess/adapter-cookie'
import { type AnyData, type CoreOptions, type Exchange, type NodeRequest, type Sessions, sessions } from '@sess/core'
import { parseSetCookie } from 'cookie'
import { describe, expect, test } from 'vitest'
import { begin, type Handler } from '../support/arrival.ts'
import { Browser } from '../support/browser.ts'
import { Clock, HOUR } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { thrownBy } from '../support/failure.ts'
import { OTHER_SECRET, SECRET } from '../support/secret.ts'

const DATA = { user: 7 }

const setCookieOf = (headers: readonly (readonly [string, string])[]) =>
  headers.find(([name]) => name === 'set-cookie')?.[1]

const USES: readonly (readonly [string, Handler, cookie: { memory: boolean; cookie: boolean }])[] = [
  ['reads', (session) => session['user'], { memory: false, cookie: false }],
  ['writes what is there', (session) => (session['user'] = 7), { memory: false, cookie: false }],
  ['writes', (session) => (session['user'] = 8), { memory: false, cookie: true }],
  ['logs in', (session) => session.regenerate(), { memory: true, cookie: true }],
  ['logs out', (session) => session.destroy(), { memory: true, cookie: true }],
  [
    'logs out and begins another session',
    (session) => {
      session.destroy()
      session['user'] = 8
    },
    { memory: true, cookie: true },
  ],
]

describe.each<['memory' | 'cookie', (options: Partial<CoreOptions>) => Sessions]>([
  ['memory', (options) => sessions(new CountedStore(), { secret: SECRET, ...options })],
  ['cookie', (options) => sessions(cookie, { secret: SECRET, ...options })],
])('an exchange on the %s store', (kind, start) => {
  /** What an exchange says before and after its commit. */
  const exchanged = async (exchange: Exchange<AnyData>) => {
    const said = exchange.needsCookie
    const line = setCookieOf(await exchange.commit(200))
    return { said, isSet: line !== undefined, line, parts: exchange.cookie }
  }

  test.each(USES)('says before commit whether a request that %s needs a cookie', async (_, use, expected) => {
    const sess = start({})
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, DATA))
    const exchange = sess.exchange(browser.cookie)
    use(await exchange.open())
    expect(await exchanged(exchange)).toMatchObject({ said: expected[kind], isSet: expected[kind] })
  })

  test.each<[string, Handler, boolean]>([
    ['reads', (session) => session['user'], false],
    ['writes', (session) => (session['user'] = 8), true],
    ['logs out', (session) => session.destroy(), false],
    ['logs in to nothing', (session) => session.regenerate(), false],
    ['puts in and takes out', (session) => [(session['a'] = 1), delete session['a']], false],
  ])('says it of a request without a session that %s', async (_, use, expected) => {
    const exchange = start({}).exchange(null)
    use(await exchange.open())
    expect(await exchanged(exchange)).toMatchObject({ said: expected, isSet: expected })
  })

  test('says it of a persistent cookie that is extended', async () => {
    const clock = new Clock()
    const sess = start({ cookie: { persistent: true }, clock: clock.read })
    const browser = new Browser(sess)
    await browser.visit((session) => Object.assign(session, DATA))
    clock.advance(12 * HOUR)
    const exchange = sess.exchange(browser.cookie)
    await exchange.open()
    expect(await exchanged(exchange)).toMatchObject({ said: true, isSet: true })
  })

  test('says it after a save, and of a discarded request', async () => {
    const sess = start({})
    const [saved, discarded] = [sess.exchange(null), sess.exchange(null)]
    const session = await saved.open()
    session['user'] = 7
    await session.save()
    Object.assign(await discarded.open(), DATA)
    discarded.discard()
    expect([saved.needsCookie, discarded.needsCookie]).toEqual([true, false])
  })

  test.each<[CoreOptions['cookie'], { readonly https: boolean }]>([
    [{}, { https: true }],
    [{}, { https: false }],
    [{ persistent: true }, { https: true }],
    [{ domain: 'example.com', path: '/app', sameSite: 'strict' }, { https: true }],
    [{ sameSite: 'none', partitioned: true }, { https: true }],
  ])('offers the parts of its cookie %j, on %j: set, and cleared', async (options, on) => {
    const sess = start({ cookie: options, clock: new Clock().read })
    const first = sess.exchange(null, on)
    Object.assign(await first.open(), DATA)
    const set = await exchanged(first)
    const last = sess.exchange(set.line?.split(';')[0], on)
    ;(await last.open()).destroy()
    const cleared = await exchanged(last)
    for (const { line, parts } of [set, cleared]) {
      const { value = '', maxAge, expires, domain, partitioned, ...rest } = parseSetCookie(line ?? '')
      const given = { maxAge, expires, domain, partitioned: partitioned === true ? partitioned : undefined }
      const known = Object.fromEntries(Object.entries(given).filter(([, part]) => part !== undefined))
      expect(parts).toEqual({ secure: false, ...rest, value, ...known })
    }
  })

  test('offers no cookie where it sets none', async () => {
    const exchange = start({}).exchange(null)
    await exchange.open()
    await exchange.commit(200)
    expect(exchange.cookie).toBeUndefined()
  })
})

test('a session whose secret was rotated needs a cookie', async () => {
  const store = new CountedStore()
  const browser = new Browser(sessions(store, { secret: SECRET }))
  await browser.visit((session) => Object.assign(session, DATA))
  const exchange = sessions(store, { secret: [OTHER_SECRET, SECRET] }).exchange(browser.cookie)
  await exchange.open()
  expect(exchange.needsCookie).toBe(true)
})

describe('Cache-Control beside a cookie', () => {
  test.each<[string | undefined, string]>([
    ['no-store', 'no-store'],
    ['no-store, max-age=0', 'no-store'],
    ['no-cache', 'no-cache'],
    ['private, no-store', 'no-store'],
    ['public, no-store', 'no-store'],
  ])('keeps what is stricter: %j', async (cacheControl, kept) => {
    const { sess } = await begin(DATA)
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), DATA)
    const headers = new Map(await exchange.commit(200, { ...(cacheControl && { cacheControl }) }))
    expect(headers.get('cache-control')?.split(', ')).toContain(kept)
  })

  test('is no-store where the response’s own is not known, and the session that there was has been read', async () => {
    const { sess, browser } = await begin(DATA)
    const exchange = sess.exchange(browser.cookie)
    expect(await exchange.open()).toMatchObject(DATA)
    expect(await exchange.commit(200)).toEqual([
      ['cache-control', 'private, no-store'],
      ['vary', 'Cookie'],
    ])
  })

  test('is no-store where the response’s own is not known', async () => {
    const { sess } = await begin(DATA)
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), DATA)
    expect(new Map(await exchange.commit(200)).get('cache-control')).toBe('private, no-store')
  })
})

describe('an exchange of a request', () => {
  const open = async (of: (header: string) => NodeRequest | Request, on?: { readonly https?: boolean }) => {
    const sess: Sessions = sessions(new CountedStore(), { secret: SECRET })
    const browser = new Browser(sess, { https: false })
    await browser.visit((session) => Object.assign(session, DATA))
    const exchange = sess.exchange(of(browser.cookie), on)
    const session = await exchange.open()
    const seen = { ...session }
    session.regenerate()
    return { seen, name: setCookieOf(await exchange.commit(200))?.split('=')[0] }
  }
  const node = (header: string, encrypted: boolean): NodeRequest => ({
    headers: { cookie: `${header}; __Host-${header}`, host: '127.0.0.1:3000' },
    socket: { encrypted, remoteAddress: '127.0.0.1' },
  })
  const fetched = (header: string, scheme: string): Request =>
    new Request(`${scheme}://127.0.0.1/`, { headers: { cookie: `${header}; __Host-${header}` } })

  test.each<[string, (header: string) => NodeRequest | Request, string]>([
    ['of Node, over plain http', (header) => node(header, false), 'sess'],
    ['of Node, over TLS', (header) => node(header, true), '__Host-sess'],
    ['of fetch, over plain http', (header) => fetched(header, 'http'), 'sess'],
    ['of fetch, over TLS', (header) => fetched(header, 'https'), '__Host-sess'],
  ])('%s reads and sets its cookie', async (_, of, name) => {
    expect(await open(of)).toEqual({ seen: DATA, name })
  })

  test('takes the word of `https` before that of the request', async () => {
    expect(await open((header) => node(header, false), { https: true })).toEqual({ seen: DATA, name: '__Host-sess' })
  })

  test.each<[unknown]>([[7], [true], [{}], [{ headers: 'x' }], [() => undefined]])(
    'is INVALID_REQUEST for what is none: %s',
    async (other) => {
      const { sess } = await begin(DATA)
      expect(thrownBy(() => Reflect.apply(sess.exchange, sess, [other])).code).toBe('INVALID_REQUEST')
    },
  )
})
