import { once } from 'node:events'
import { createServer } from 'node:http'
import type { BrowserContext, Page as Tab } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { launchChromium } from '../../../scripts/chromium.js'
import { isNightly } from '../../../scripts/nightly.js'
import { Page } from './browser.js'
import { logIn, notices, open, originOf, press, SERVER_STORES, start, users, visitorOf } from './tab.js'

async function usersAt(tab: Tab, path: string): Promise<readonly string[]> {
  await tab.goto(path)
  return users(tab)
}

async function titlesIn(tab: Tab): Promise<readonly string[]> {
  await tab.goto('/cart')
  return tab.locator('cite').allTextContents()
}

describe('the forms', () => {
  it('log in and out', async () => {
    const tab = await open(await visitorOf(await start('memory')))
    await logIn(tab)
    expect(await notices(tab)).toEqual(['Welcome, reader.'])
    expect([await usersAt(tab, '/login'), await usersAt(tab, '/admin')]).toEqual([['reader'], ['reader']])
    await tab.goto('/login')
    await press(tab, 'Log out')
    expect(await notices(tab)).toEqual(['You are logged out.'])
    expect([await usersAt(tab, '/login'), await usersAt(tab, '/admin')]).toEqual([[], []])
  })

  it.each([
    ['another site', '127.0.0.1', undefined],
    ['another origin of the site, which the cookie reaches', 'localhost', expect.stringMatching(/^sess=/)],
  ])('are refused where they come from %s', async (_what, host, cookie) => {
    const visitor = await visitorOf(await start('memory'))
    const tab = await open(visitor)
    const action = new URL('/cart/add', tab.url()).href
    const form = `<form method="post" action="${action}"><button name="book" value="souls">Win</button></form>`
    const other = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(form))
    onTestFinished(() => void other.close())
    await once(other.listen(0, '127.0.0.1'), 'listening')
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : undefined
    await tab.goto(`http://${host}:${port}`)
    const sent = tab.waitForRequest(action)
    await press(tab, 'Win')
    expect((await (await sent).allHeaders())['cookie']).toEqual(cookie)
    expect(await tab.locator('h1').textContent()).toBe('Error 403')
    expect(await titlesIn(tab)).toEqual([])
  })
})

describe('a notice', () => {
  it('is shown once: neither a reload nor the way back shows it again', async () => {
    const tab = await open(await visitorOf(await start('memory')))
    await press(tab, 'Add to cart: Middlemarch')
    expect(await notices(tab)).toEqual(['“Middlemarch” is in your cart.'])
    await tab.reload()
    expect(await notices(tab)).toEqual([])
    await press(tab, 'Add to cart: Pedro Páramo')
    expect(await notices(tab)).toEqual(['“Pedro Páramo” is in your cart.'])
    await tab.goto('/cart')
    await tab.goBack()
    expect([new URL(tab.url()).pathname, await notices(tab)]).toEqual(['/', []])
  })
})

describe('two tabs at the same instant', () => {
  const ROUNDS = isNightly ? 20 : 5
  const TITLES = ['Middlemarch', 'Pedro Páramo'] as const
  const IDS = ['middlemarch', 'pedro-paramo'] as const

  async function cartOf(visitor: BrowserContext): Promise<readonly string[]> {
    const response = await visitor.request.get('/cart')
    return new Page(await response.text()).titles.toSorted()
  }

  /** Sends the form of one book from each tab, without leaving the page. Resolves with the resulting cart. */
  async function send(visitor: BrowserContext, path: string): Promise<readonly string[]> {
    const statuses = visitor
      .pages()
      .map((tab, index) =>
        tab.evaluate(
          `fetch('${path}', { method: 'POST', body: new URLSearchParams({ book: '${IDS[index]}' }) }).then(({ status }) => status)`,
        ),
      )
    expect(await Promise.all(statuses)).toEqual([200, 200])
    return cartOf(visitor)
  }

  /** Presses the button of one book in each tab. Resolves with the resulting cart. */
  async function addBoth(visitor: BrowserContext): Promise<readonly string[]> {
    const tabs = [await open(visitor), await open(visitor)]
    await Promise.all(tabs.map((tab, index) => press(tab, `Add to cart: ${TITLES[index]}`)))
    return cartOf(visitor)
  }

  it.each(SERVER_STORES)('fill and empty the cart with nothing lost, on the %s store', async (store) => {
    const visitor = await visitorOf(await start(store))
    expect(await addBoth(visitor)).toEqual(TITLES)
    for (let round = 0; round < ROUNDS; round++) {
      expect(await send(visitor, '/cart/remove')).toEqual([])
      expect(await send(visitor, '/cart/add')).toEqual(TITLES)
    }
  })

  it('leave at least what came last, on the cookie store', async () => {
    const cart = await addBoth(await visitorOf(await start('cookie')))
    expect(cart).not.toEqual([])
    expect(TITLES).toEqual(expect.arrayContaining([...cart]))
  })
})

describe('a session', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('on the sqlite store survives %s of the server', async (signal) => {
    const first = await start('sqlite')
    const tab = await open(await visitorOf(first))
    await press(tab, 'Add to cart: Middlemarch')
    await logIn(tab)
    await first.ended(signal)
    // On another port: cookies belong to a host, not to a port.
    const origin = await originOf(await start('sqlite'))
    expect(await usersAt(tab, `${origin}/login`)).toEqual(['reader'])
    await tab.goto(`${origin}/cart`)
    expect(await tab.locator('cite').allTextContents()).toEqual(['Middlemarch'])
  })

  it.each(['cookie', 'sqlite'] as const)('on the %s store is empty with an altered cookie', async (store) => {
    const server = await start(store)
    const visitor = await visitorOf(server)
    const tab = await open(visitor)
    await logIn(tab)
    const cookie = (await visitor.cookies()).find(({ name }) => name === 'sess')
    if (cookie === undefined) throw new Error('the browser has no cookie')
    // A visitor who is known to have logged in would be sent to the login page.
    await visitor.clearCookies({ name: 'member' })
    const { value } = cookie
    const middle = Math.floor(value.length / 2)
    const swapped = value[middle] === 'A' ? 'B' : 'A'
    for (const altered of [
      value.slice(0, middle) + swapped + value.slice(middle + 1),
      value.slice(0, -1),
      `${value}A`,
    ]) {
      await visitor.addCookies([{ ...cookie, value: altered }])
      const response = await tab.goto('/')
      expect([response?.status(), await tab.locator('#visits').textContent()]).toEqual([200, '1'])
      expect(await users(tab)).toEqual([])
    }
    await visitor.addCookies([cookie])
    expect(await usersAt(tab, '/login')).toEqual(['reader'])
    expect(server.output).not.toContain('Error')
  })

  it('ends in every tab at the logout in one, and its cookie opens nothing any more', async () => {
    const visitor = await visitorOf(await start('sqlite'))
    const tab = await open(visitor)
    await logIn(tab)
    const cookies = await visitor.cookies()
    const other = await open(visitor, '/login')
    expect(await users(other)).toEqual(['reader'])
    await tab.goto('/login')
    await press(tab, 'Log out')
    await other.reload()
    expect(await users(other)).toEqual([])
    await visitor.addCookies(cookies)
    await other.reload()
    expect(await users(other)).toEqual([])
  })

  it('shows none of its pages on the way back from the logout', async () => {
    const browser = await launchChromium({ backForwardCache: true })
    onTestFinished(() => browser.close())
    const tab = await open(await visitorOf(await start('memory'), {}, browser))
    await logIn(tab)
    expect(await usersAt(tab, '/login')).toEqual(['reader'])
    await press(tab, 'Log out')
    await tab.goBack()
    expect([new URL(tab.url()).pathname, await users(tab)]).toEqual(['/login', []])
  })
})

describe('the cookie', () => {
  it.each([
    ['plain http on this machine', '', { name: 'sess', secure: false }],
    ['production', 'production', { name: '__Host-sess', secure: true }],
  ])('of %s is the only one, of this host alone, and no script reads it', async (_what, NODE_ENV, expected) => {
    const visitor = await visitorOf(await start('memory', { NODE_ENV }))
    const tab = await open(visitor)
    const shared = { httpOnly: true, sameSite: 'Lax', path: '/', domain: 'localhost', expires: -1 }
    expect(await visitor.cookies()).toEqual([{ ...shared, ...expected, value: expect.stringMatching(/^[\w-]{64}$/) }])
    expect(await tab.evaluate('document.cookie')).toBe('')
    await tab.reload()
    expect(await tab.locator('#visits').textContent()).toBe('2')
  })
})

describe('the pages', () => {
  const WIDTH = 'document.documentElement.scrollWidth'

  it('have no error in the console, and send requests only to the server', async () => {
    const visitor = await visitorOf(await start('memory'))
    const errors: string[] = []
    const origins = new Set<string>()
    visitor.on('console', (message) => errors.push(message.text()))
    visitor.on('weberror', (error) => errors.push(error.error().message))
    visitor.on('request', (request) => origins.add(new URL(request.url()).origin))
    const tab = await open(visitor)
    await press(tab, 'Add to cart: Middlemarch')
    await tab.goto('/cart')
    await press(tab, 'Remove: Middlemarch')
    await logIn(tab, 'librarian')
    await tab.goto('/admin')
    await tab.getByLabel('Notice').fill('Closed on Monday')
    await press(tab, 'Post')
    expect(await notices(tab)).toEqual(['Closed on Monday'])
    await tab.goto('/account')
    await tab.goto('/account/password')
    await tab.goto('/login')
    await press(tab, 'Log out')
    expect([errors, [...origins]]).toEqual([[], [new URL(tab.url()).origin]])
  })

  it('fit a small screen', async () => {
    const tab = await open(await visitorOf(await start('memory')))
    await tab.setViewportSize({ width: 360, height: 640 })
    await press(tab, 'Add to cart: Frankenstein; or, The Modern Prometheus')
    const widths: unknown[] = []
    const look = async (paths: readonly string[]) => {
      for (const path of paths) {
        await tab.goto(path)
        widths.push(await tab.evaluate(WIDTH))
      }
    }
    await look(['/', '/cart', '/login', '/admin'])
    await logIn(tab, 'reader', 'The telephone of the reading room, second')
    await look(['/', '/login', '/account', '/account/password'])
    expect(widths).toEqual(Array.from({ length: 8 }, () => 360))
  })
})
