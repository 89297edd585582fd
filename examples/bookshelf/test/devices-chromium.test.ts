import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page as Tab, Request } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { launchProfile } from '../../../scripts/chromium.js'
import { Clock, serve } from './bookshelf.js'
import { logIn, notices, open, originOf, press, SERVER_STORES, start, users, visitorOf } from './tab.js'
import { ownEnvironmentFor, type StoreName } from './stores.js'

const ENDED = 'Your session has ended. Log in again to go on.'
const ENDED_HERE = 'Your session has ended on the server. Nothing more can be done on this page.'

const isStream = (request: Request) => new URL(request.url()).pathname === '/account/events'

/** The page of a user, once its event stream has begun. */
async function live(visitor: BrowserContext, path: string): Promise<Tab> {
  const tab = await visitor.newPage()
  const begun = tab.waitForResponse((response) => isStream(response.request()))
  await tab.goto(path)
  await begun
  return tab
}

/** Resolves once the stream of the page is closed: by the server, or by the page, which is told before. */
function streamClosed(tab: Tab): Promise<void> {
  return new Promise((resolve) => {
    const look = (request: Request) => isStream(request) && resolve()
    tab.on('requestfinished', look).on('requestfailed', look)
  })
}

/** Logs in with a new browser. */
async function device(server: { origin: () => Promise<string> }, name: string): Promise<BrowserContext> {
  const visitor = await visitorOf(server)
  await logIn(await open(visitor), 'reader', name)
  return visitor
}

/** Resolves once the page says that its session has ended, with the number of such notices. */
async function saysSo(tab: Tab): Promise<number> {
  const notice = tab.getByText(ENDED_HERE)
  await notice.first().waitFor()
  return notice.count()
}

async function startWithOwnUsers(store: StoreName) {
  return start(store, await ownEnvironmentFor(store))
}

const names = (tab: Tab) => tab.locator('li strong').allTextContents()

describe.each(SERVER_STORES)('on the %s store, one browser of two', (store) => {
  it('ends the other, whose stream closes, and whose page says so at once and at its next request', async () => {
    const server = await startWithOwnUsers(store)
    const [laptop, phone] = [await device(server, 'laptop'), await device(server, 'phone')]
    const [books, cart] = [await live(phone, '/'), await live(phone, '/cart')]
    const closed = streamClosed(books)
    const list = await open(laptop, '/account')
    expect((await names(list)).toSorted()).toEqual(['laptop', 'phone'])
    await press(list, 'End: phone')
    expect([await notices(list), await names(list)]).toEqual([['The session has ended.'], ['laptop']])
    await closed
    expect([await saysSo(books), await saysSo(cart)]).toEqual([1, 1])
    await press(books, 'Add to cart: Middlemarch')
    expect([new URL(books.url()).pathname, await notices(books)]).toEqual(['/login', [ENDED]])
    await cart.reload()
    expect([await notices(cart), await cart.locator('cite').count()]).toEqual([[], 0])
    expect(await users(await open(laptop, '/login'))).toEqual(['reader'])
  })
})

describe('a browser', () => {
  it('ends all others', async () => {
    const server = await startWithOwnUsers('memory')
    const [laptop, phone, tablet] = [
      await device(server, 'laptop'),
      await device(server, 'phone'),
      await device(server, 'tablet'),
    ]
    const tabs = [await live(phone, '/admin'), await live(tablet, '/login')]
    const list = await live(laptop, '/account')
    await press(list, 'End all others')
    expect([await notices(list), await names(list)]).toEqual([['Other sessions ended: 2.'], ['laptop']])
    for (const tab of tabs) {
      expect(await saysSo(tab)).toBe(1)
      await tab.reload()
      expect([new URL(tab.url()).pathname, await notices(tab)]).toEqual(['/login', [ENDED]])
    }
  })

  it('ends another that is at another process', async () => {
    const env = await ownEnvironmentFor('sqlite')
    const [laptop, phone] = [
      await device(await start('sqlite', env), 'laptop'),
      await device(await start('sqlite', env), 'phone'),
    ]
    const books = await live(phone, '/')
    await press(await open(laptop, '/account'), 'End: phone')
    expect(await saysSo(books)).toBe(1)
  })

  it('with more tabs than connections has a stream for the one that is seen', async () => {
    const server = await startWithOwnUsers('memory')
    const [laptop, phone] = [await device(server, 'laptop'), await device(server, 'phone')]
    // A browser without windows sees all of its tabs.
    await phone.addInitScript(`
      let hidden = false
      Object.defineProperty(document, 'hidden', { get: () => hidden })
      globalThis.hide = (value) => {
        hidden = value
        document.dispatchEvent(new Event('visibilitychange'))
      }
    `)
    const tabs: Tab[] = []
    for (let count = 0; count < 8; count++) {
      const tab = await live(phone, '/')
      await tab.evaluate('hide(true)')
      tabs.push(tab)
    }
    await press(await open(laptop, '/account'), 'End: phone')
    for (const tab of tabs) {
      expect(await tab.getByText(ENDED_HERE).count()).toBe(0)
      await tab.evaluate('hide(false)')
      expect(await saysSo(tab)).toBe(1)
      await tab.evaluate('hide(true)')
    }
  })

  it('closes the stream of a page before its own logout, of which the page says nothing', async () => {
    const tab = await live(await device(await startWithOwnUsers('memory'), 'laptop'), '/account')
    const closed = tab.waitForEvent('requestfailed', isStream)
    await tab.route('**/logout', async (route) => {
      await closed
      await route.continue()
    })
    await press(tab, 'Log out')
    expect(await notices(tab)).toEqual(['You are logged out.'])
  })
})

describe('a browser that is started again', () => {
  it.each([
    [true, ['reader']],
    [false, []],
  ])('is logged in if the user wished so (%s)', async (isWished, expected) => {
    const baseURL = await originOf(await startWithOwnUsers('memory'))
    const folder = mkdtempSync(join(tmpdir(), 'sess-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const first = await launchProfile(folder, { baseURL })
    onTestFinished(() => first.close())
    const tab = await open(first, '/login')
    if (isWished) await tab.getByLabel('Stay logged in').check()
    await tab.getByLabel('Name').fill('reader')
    await tab.getByLabel('Password').fill('reader')
    await press(tab, 'Log in')
    expect(await users(await open(first, '/login'))).toEqual(['reader'])
    await first.close()
    const again = await launchProfile(folder, { baseURL })
    onTestFinished(() => again.close())
    expect(await users(await open(again, '/login'))).toEqual(expected)
  })
})

describe('a change of the password', () => {
  it('asks for the current one unless the login is fresh, and ends the other browsers', async () => {
    const clock = new Clock()
    const origin = await serve(await ownEnvironmentFor('memory'), clock)
    const server = { origin: async () => origin }
    const [laptop, phone] = [await device(server, 'laptop'), await device(server, 'phone')]
    const [tab, other] = [await open(laptop, '/account/password'), await live(phone, '/')]
    const current = tab.getByLabel('Current password')
    expect(await current.count()).toBe(0)
    clock.advance(11 * 60_000)
    await tab.getByLabel('New password').fill('a new password')
    await press(tab, 'Change')
    expect(await notices(tab)).toEqual(['That is not your current password.'])
    await current.fill('reader')
    await tab.getByLabel('New password').fill('a new password')
    await press(tab, 'Change')
    expect(await notices(tab)).toEqual(['Your password is changed. Other sessions ended: 1.'])
    expect(await saysSo(other)).toBe(1)
    await tab.goto('/account/password')
    expect(await current.count()).toBe(0)
  })
})
