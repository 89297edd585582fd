import { randomUUID } from 'node:crypto'
import { sessions, type Sessions } from '@sess/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { places, SECRET } from './support/backends.ts'
import { Browser, type Page } from './support/browser.ts'
import { OAuthProvider } from './support/oauth-provider.ts'
import { FORGERY, PassportApplication } from './support/passport-application.ts'

/** Milliseconds. Long enough that no call is late, however busy the machine is. */
const DEADLINE = 20_000

interface Home {
  readonly sess: Sessions
  readonly stop?: () => Promise<void>
}

const homes: readonly (readonly [store: string, open: () => Promise<Home>])[] = [
  ['memory', async () => ({ sess: sessions('memory', { secret: SECRET, scope: randomUUID() }) })],
  ['cookie', async () => ({ sess: sessions('cookie', { secret: SECRET }) })],
  ...places.map(([adapter, open]): readonly [string, () => Promise<Home>] => [
    adapter,
    async () => {
      const { options, stop } = await open(DEADLINE)
      const name: string = adapter
      return { sess: sessions(name, { secret: SECRET, ...options }), stop }
    },
  ]),
]

const ADA = { username: 'ada', password: 'lovelace' }
const ALAN = { username: 'alan', password: 'turing' }

let provider: OAuthProvider
beforeAll(async () => {
  provider = await OAuthProvider.start()
})
afterAll(() => provider.stop())

async function userOf(browser: Browser): Promise<unknown> {
  return Reflect.get(Object(await browser.json('/')), 'user')
}

async function idOf(browser: Browser): Promise<unknown> {
  return Reflect.get(Object(await browser.json('/')), 'id')
}

/** Goes to the provider; resolves with the address that it sends the browser back to. */
async function authorized(browser: Browser, { origin }: PassportApplication): Promise<URL> {
  const { location = '' } = await browser.get('/oauth')
  const back = await browser.get(location)
  return new URL(back.location ?? '', origin)
}

const pathOf = ({ pathname, search }: URL): string => pathname + search

describe.each(homes)('an application of express-session, on the %s store', (store, open) => {
  let home: Home
  let application: PassportApplication
  beforeAll(async () => {
    home = await open()
    application = await PassportApplication.start(home.sess, provider.origin)
  })
  afterAll(async () => {
    await application.stop()
    await home.stop?.()
  })

  const visitor = (): Browser => new Browser(application.origin)
  async function loggedIn(user = ADA): Promise<Browser> {
    const browser = visitor()
    await browser.post('/login', user)
    return browser
  }

  test('passport-local logs in', async () => {
    expect(await userOf(await loggedIn())).toEqual({ name: 'ada' })
  })

  test('passport-local moves the session to another token at the login', async () => {
    const browser = visitor()
    await browser.post('/cart', { item: 'emma' })
    const before = browser.copy()
    await browser.post('/login', ADA)
    expect(await userOf(before)).toBe(null)
  })

  test('a wrong password logs nobody in, and says so once', async () => {
    const browser = visitor()
    expect(await browser.post('/login', { ...ADA, password: 'guess' })).toMatchObject({ location: '/login' })
    expect(await userOf(browser)).toBe(null)
    expect(await browser.json('/flash')).toEqual({ error: ['wrong password'] })
    expect(await browser.json('/flash')).toEqual({})
  })

  test('connect-flash shows after the redirect what a login says, once', async () => {
    const browser = visitor()
    await browser.post('/login-and-return', ADA)
    expect(await browser.json('/flash')).toEqual({ success: ['welcome'] })
    expect(await browser.json('/flash')).toEqual({})
  })

  test('a login drops what the session held', async () => {
    const browser = visitor()
    await browser.post('/cart', { item: 'emma' })
    await browser.post('/login', ADA)
    expect(await browser.json('/')).toMatchObject({ user: { name: 'ada' }, cart: null })
  })

  test('a login with keepSessionInfo keeps what the session held', async () => {
    const browser = visitor()
    await browser.post('/cart', { item: 'emma' })
    await browser.post('/login-and-return', ADA)
    expect(await browser.json('/')).toMatchObject({ user: { name: 'ada' }, cart: ['emma'] })
  })

  test('connect-ensure-login sends a visitor to the login, and back to the page', async () => {
    const browser = visitor()
    expect(await browser.get('/account?tab=2')).toMatchObject({ status: 302, location: '/login' })
    expect(await browser.post('/login-and-return', ADA)).toMatchObject({ location: '/account?tab=2' })
    expect(await browser.json('/account?tab=2')).toEqual({ account: { name: 'ada' } })
    expect(await browser.post('/login-and-return', ADA)).toMatchObject({ location: '/' })
  })

  test('a logout logs out', async () => {
    const browser = await loggedIn()
    await browser.post('/logout')
    expect([await userOf(browser), await browser.get('/account')]).toEqual([
      null,
      expect.objectContaining({ location: '/login' }),
    ])
  })

  test.skipIf(store === 'cookie')('a copy of the cookie opens nothing after the logout', async () => {
    const browser = await loggedIn()
    const thief = browser.copy()
    await browser.post('/logout')
    expect(await userOf(thief)).toBe(null)
  })

  test('two browsers have two users', async () => {
    const [ada, alan] = await Promise.all([loggedIn(ADA), loggedIn(ALAN)])
    await ada.post('/cart', { item: 'emma' })
    await alan.post('/cart', { item: 'persuasion' })
    expect(await ada.json('/')).toMatchObject({ user: { name: 'ada' }, cart: ['emma'] })
    expect(await alan.json('/')).toMatchObject({ user: { name: 'alan' }, cart: ['persuasion'] })
  })

  test('the id of a stored session stays until the next login', async () => {
    const browser = await loggedIn()
    const id = await idOf(browser)
    await browser.post('/cart', { item: 'emma' })
    expect(await idOf(browser)).toBe(id)
    await browser.post('/login', ADA)
    expect(await idOf(browser)).not.toBe(id)
  })

  describe('passport-oauth2', () => {
    test('logs in, with the state and the PKCE verifier that the session has kept', async () => {
      const browser = visitor()
      const back = await authorized(browser, application)
      expect(await browser.get(pathOf(back))).toMatchObject({ location: '/' })
      expect(await userOf(browser)).toEqual({ name: 'grace' })
    })

    test('refuses a state that is not the one of the session', async () => {
      const browser = visitor()
      const back = await authorized(browser, application)
      back.searchParams.set('state', 'forged')
      expect(await browser.get(pathOf(back))).toMatchObject({ location: '/refused' })
    })

    test('refuses the state of another browser', async () => {
      const back = await authorized(visitor(), application)
      const victim = visitor()
      await authorized(victim, application)
      expect(await victim.get(pathOf(back))).toMatchObject({ location: '/refused' })
    })
  })

  describe.each(FORGERY)('%s', (library) => {
    async function sent(browser: Browser, token: string): Promise<Page> {
      return browser.post(`/${library}`, { _csrf: token })
    }

    test('accepts the token that it gave', async () => {
      const browser = visitor()
      const { text: token } = await browser.get(`/${library}/token`)
      expect(await sent(browser, token)).toMatchObject({ status: 200, text: 'accepted' })
    })

    test('accepts a token more than once', async () => {
      const browser = visitor()
      const { text: token } = await browser.get(`/${library}/token`)
      await sent(browser, token)
      expect(await sent(browser, token)).toMatchObject({ status: 200 })
    })

    test('refuses a wrong token', async () => {
      const browser = visitor()
      const { text: token } = await browser.get(`/${library}/token`)
      const wrong = token.replaceAll(/[a-z]/g, 'x')
      expect(await sent(browser, wrong)).toMatchObject({ status: 403 })
    })

    test('refuses the token of another session', async () => {
      const { text: token } = await visitor().get(`/${library}/token`)
      const victim = visitor()
      await victim.get(`/${library}/token`)
      expect(await sent(victim, token)).toMatchObject({ status: 403 })
    })
  })
})
