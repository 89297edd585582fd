import { once } from 'node:events'
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { Clock, SECRET, serve, ServerProcess } from './bookshelf.js'
import { Browser } from './browser.js'
import { ownEnvironmentFor, LISTING_STORES, type StoreName, STORES } from './stores.js'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const ENDED = 'Your session has ended. Log in again to go on.'

type Fields = Readonly<Record<string, string>>

/** A browser that has logged in as the reader. */
async function loggedIn(origin: string, fields: Fields = {}): Promise<Browser> {
  const browser = new Browser(origin)
  await browser.submit('/login', { name: 'reader', password: 'reader', ...fields })
  return browser
}

/** Two browsers of the reader, each with the name of its device. */
async function devices(store: StoreName): Promise<{ origin: string; laptop: Browser; phone: Browser }> {
  const origin = await serve(await ownEnvironmentFor(store))
  const laptop = await loggedIn(origin, { device: 'laptop' })
  return { origin, laptop, phone: await loggedIn(origin, { device: 'phone' }) }
}

describe.each(LISTING_STORES)('on the %s store, the devices', (store) => {
  it('are those of the user, and one of them is this one', async () => {
    const { origin, laptop, phone } = await devices(store)
    await new Browser(origin).submit('/login', { name: 'librarian', password: 'librarian', device: 'desk' })
    expect((await laptop.page('/account')).devices.toSorted()).toEqual(['laptop*', 'phone'])
    expect((await phone.page('/account')).devices.toSorted()).toEqual(['laptop', 'phone*'])
  })

  it('say since when, and when they were last used', async () => {
    const clock = new Clock()
    const origin = await serve(await ownEnvironmentFor(store), clock)
    const laptop = await loggedIn(origin)
    const since = new Date(clock.read()).toISOString()
    clock.advance(180 * MINUTE)
    await laptop.page('/')
    expect((await laptop.page('/account')).times).toEqual([since, new Date(clock.read()).toISOString()])
  })

  it('have the names that the user gave them, escaped, or else the day of the login', async () => {
    const clock = new Clock()
    const origin = await serve(await ownEnvironmentFor(store), clock)
    const named = await loggedIn(origin, { device: '<b>' })
    expect((await named.page('/account')).devices).toEqual(['&lt;b&gt;*'])
    const unnamed = await loggedIn(origin)
    await unnamed.submit('/account/end-others')
    const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(clock.read())
    expect((await unnamed.page('/account')).devices).toEqual([`Browser of ${day}*`])
  })

  it('are logged in until one ends another, which is told so once, at its next request', async () => {
    const { laptop, phone } = await devices(store)
    const session = (await laptop.page('/account')).sessionOf('phone')
    const page = await laptop.submit('/account/end', { session })
    expect([page.notice, page.devices]).toEqual(['The session has ended.', ['laptop*']])
    const response = await phone.get('/')
    expect([response.status, response.headers.get('location')]).toEqual([303, '/login'])
    expect((await phone.page('/login')).notice).toBe(ENDED)
    expect((await phone.page('/login')).notice).toBeUndefined()
    expect((await phone.page('/')).visits).toBe(1)
  })

  it('whose session was ended can send no form, and can log in again', async () => {
    const { laptop, phone } = await devices(store)
    await laptop.submit('/account/end-others')
    expect((await phone.submit('/cart/add', { book: 'souls' })).notice).toBe(ENDED)
    expect((await phone.page('/cart')).titles).toEqual([])
    const welcome = await phone.submit('/login', { name: 'reader', password: 'reader' })
    expect(welcome.notice).toBe('Welcome, reader.')
  })

  it('end all others', async () => {
    const { origin, laptop, phone } = await devices(store)
    const tablet = await loggedIn(origin, { device: 'tablet' })
    const page = await laptop.submit('/account/end-others')
    expect([page.notice, page.devices]).toEqual(['Other sessions ended: 2.', ['laptop*']])
    for (const path of ['/account', '/cart', '/admin']) {
      expect((await phone.get(path)).headers.get('location')).toBe('/login')
    }
    expect((await tablet.page('/login')).notice).toBe(ENDED)
    expect((await laptop.page('/login')).user).toBe('reader')
  })

  it('end no session of another user, and not their own', async () => {
    const { origin, laptop, phone } = await devices(store)
    const other = new Browser(origin)
    await other.submit('/login', { name: 'librarian', password: 'librarian' })
    const session = (await laptop.page('/account')).sessionOf('phone')
    expect((await other.submit('/account/end', { session })).notice).toBe('There is no such session any more.')
    expect((await phone.post('/account/end', { session })).status).toBe(422)
    expect((await phone.page('/login')).user).toBe('reader')
  })

  it('are for users only', async () => {
    const { origin } = await devices(store)
    const visitor = new Browser(origin)
    expect((await visitor.get('/account')).headers.get('location')).toBe('/login')
    expect((await visitor.page('/login')).notice).toBe('Log in first.')
    for (const path of ['/account/end', '/account/end-others']) {
      expect((await visitor.post(path)).headers.get('location')).toBe('/login')
    }
  })
})

describe.each(LISTING_STORES)('on the %s store, the event stream of a page', (store) => {
  it('ends with an event when the session is ended elsewhere', async () => {
    const { laptop, phone } = await devices(store)
    const [mine, others] = [await laptop.get('/account/events'), await phone.get('/account/events')]
    await laptop.submit('/account/end-others')
    expect([others.headers.get('content-type'), await others.text()]).toEqual([
      'text/event-stream',
      'event: ended\ndata:\n\n',
    ])
    expect((await laptop.page('/login')).user).toBe('reader')
    await laptop.submit('/logout')
    expect(await mine.text()).toBe('event: ended\ndata:\n\n')
  })

  it('ends at once where the session has ended', async () => {
    const { laptop, phone } = await devices(store)
    await laptop.submit('/account/end-others')
    expect(await (await phone.get('/account/events')).text()).toBe('event: ended\ndata:\n\n')
  })
})

it('a session that ends while its form arrives changes nothing', async () => {
  const { origin, laptop, phone } = await devices('memory')
  const headers = {
    cookie: phone.cookie,
    'content-type': 'application/x-www-form-urlencoded',
    expect: '100-continue',
  }
  const form = request(`${origin}/account/password`, { method: 'POST', headers })
  form.flushHeaders()
  await once(form, 'continue')
  await laptop.submit('/account/end-others')
  form.end('new=a+new+password')
  const [response] = await once(form, 'response')
  response.resume()
  expect([response.statusCode, response.headers.location]).toEqual([303, '/login'])
  const login = await new Browser(origin).submit('/login', { name: 'reader', password: 'reader' })
  expect(login.notice).toBe('Welcome, reader.')
})

it('an event stream does not keep the server from ending', async () => {
  const server = new ServerProcess({ SESSION_SECRET: SECRET, SESSION_STORE: 'memory' })
  const response = await (await loggedIn(await server.origin())).get('/account/events')
  const ended = server.ended('SIGTERM')
  expect([await response.text(), await ended]).toEqual(['', 0])
})

it('only the pages of users follow their session', async () => {
  const { origin, laptop } = await devices('memory')
  const script = '<script src="/account/live.js" defer></script>'
  const visitor = new Browser(origin)
  for (const path of ['/', '/cart', '/login', '/admin', '/account', '/account/password']) {
    expect((await laptop.page(path)).text).toContain(script)
    expect(await (await visitor.get(path)).text()).not.toContain(script)
  }
})

it('the name of a device has at most 40 characters', async () => {
  const browser = new Browser(await serve(await ownEnvironmentFor('memory')))
  const fields = { name: 'reader', password: 'reader', device: 'x'.repeat(41) }
  expect((await browser.post('/login', fields)).status).toBe(422)
  expect((await browser.page('/login')).user).toBeUndefined()
})

describe('on the cookie store, the devices', () => {
  it('are not listed, and the page says why', async () => {
    const browser = await loggedIn(await serve(await ownEnvironmentFor('cookie')))
    const { text } = await browser.page('/account')
    expect(text).toContain('this server keeps sessions in the cookies of the browsers')
    expect(text).not.toContain('<script')
    expect((await browser.page('/')).text).not.toContain('<script')
    for (const path of ['/account/end', '/account/end-others']) expect((await browser.post(path)).status).toBe(404)
    expect((await browser.get('/account/events')).status).toBe(404)
  })

  it('have no name', async () => {
    const browser = new Browser(await serve(await ownEnvironmentFor('cookie')))
    expect((await browser.page('/login')).text).not.toContain('name="device"')
  })
})

describe.each(STORES)('on the %s store, a user', (store) => {
  it('stays logged in on request, and else to the next day without a visit', async () => {
    const clock = new Clock()
    const origin = await serve(await ownEnvironmentFor(store), clock)
    const [remembered, usual] = [await loggedIn(origin, { remember: 'on' }), await loggedIn(origin)]
    clock.advance(2 * DAY)
    expect((await remembered.page('/login')).user).toBe('reader')
    expect((await usual.page('/login')).notice).toBe(ENDED)
    clock.advance(30 * DAY)
    expect((await remembered.page('/login')).notice).toBe(ENDED)
  })

  it.each([
    [
      { remember: 'on' },
      [
        ['member', '31536000'],
        ['sess', '2592000'],
      ],
    ],
    [
      {},
      [
        ['member', undefined],
        ['sess', undefined],
      ],
    ],
  ])('has cookies that outlive the browser only on request (%j)', async (fields: Fields, expected) => {
    const browser = new Browser(await serve(await ownEnvironmentFor(store)))
    const response = await browser.post('/login', { name: 'reader', password: 'reader', ...fields })
    const cookies = response.headers.getSetCookie().map((line) => /^(\w+)=[^;]+(?:.*; Max-Age=(\d+))?/.exec(line))
    expect(cookies.map((found) => [found?.[1], found?.[2]])).toEqual(expected)
  })

  it('who logs out is not told that the session has ended', async () => {
    const browser = await loggedIn(await serve(await ownEnvironmentFor(store)))
    expect((await browser.submit('/logout')).notice).toBe('You are logged out.')
    expect((await browser.page('/login')).notice).toBeUndefined()
  })
})
