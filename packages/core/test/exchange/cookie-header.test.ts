import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import cookie from '@sess/adapter-cookie'
import { type Sessions, sessions } from '@sess/core'
import { createAdapterContext } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Browser } from '../support/browser.ts'
import { Clock, DAY } from '../support/clock.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'
import { Handling, serve } from '../support/served.ts'

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

  test('the first that is live is the session', async () => {
    const { sess } = start()
    const [one, other] = [await tokenOf(sess, 1), await tokenOf(sess, 2)]
    expect(await seen(sess, headerOf(one, other))).toEqual({ user: 1 })
    expect(await seen(sess, headerOf(other, one))).toEqual({ user: 2 })
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
    expect(await exchange.commit(200)).toEqual([['vary', 'Cookie']])
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

  test('the search stops at the first one that is live', async () => {
    const { sess, store } = onMemory()
    const tokens = [await tokenOf(sess, 1), await tokenOf(sess, 2), await tokenOf(sess, 3)]
    store.take()
    await seen(sess, headerOf(...tokens))
    expect(store.take()).toEqual(['read'])
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
  test.each([1, 10, 100, 1000])('is one read for each token that we made: %d', async (count) => {
    const { sess, store, clock } = onMemory()
    const tokens = []
    for (let user = 0; user < count; user++) tokens.push(await tokenOf(sess, user))
    clock.advance(31 * DAY)
    store.take()
    expect(await seen(sess, headerOf(...tokens, ...tokens))).toEqual({})
    expect(store.take()).toHaveLength(count)
  })

  test.each([1, 10, 100, 1000])('is one attempt to open for each other value: %d', async (count) => {
    const client = cookie({}, createAdapterContext({ secret: SECRET }))
    if (client.kind !== 'client') throw new Error('expected a client store')
    const open = vi.fn<typeof client.open>(client.open.bind(client))
    const sess = sessions({ ...client, open }, { secret: SECRET })
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
