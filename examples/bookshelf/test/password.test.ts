import { describe, expect, it } from 'vitest'
import { Clock, serve } from './bookshelf.js'
import { Browser } from './browser.js'
import { ownEnvironmentFor, LISTING_STORES, type StoreName, STORES } from './stores.js'

const MINUTE = 60_000
const NEW = 'a new password'
const ASKS = 'name="current"'

interface Users {
  readonly clock: Clock
  readonly origin: string
  /** Logged in as the reader. */
  readonly browser: Browser
  /** Whether somebody can log in as the reader with this password. */
  readonly opens: (password: string) => Promise<boolean>
}

async function start(store: StoreName): Promise<Users> {
  const clock = new Clock()
  const origin = await serve(await ownEnvironmentFor(store), clock)
  const browser = new Browser(origin)
  await browser.submit('/login', { name: 'reader', password: 'reader' })
  const opens = async (password: string): Promise<boolean> => {
    const { notice } = await new Browser(origin).submit('/login', { name: 'reader', password })
    return notice === 'Welcome, reader.'
  }
  return { clock, origin, browser, opens }
}

describe.each(STORES)('on the %s store, a password', (store) => {
  it('is changed without the current one soon after the login', async () => {
    const { browser, opens } = await start(store)
    expect((await browser.page('/account/password')).text).not.toContain(ASKS)
    const page = await browser.submit('/account/password', { new: NEW })
    expect(page.notice).toContain('Your password is changed.')
    expect([await opens('reader'), await opens(NEW)]).toEqual([false, true])
    expect((await new Browser((await start(store)).origin).page('/login')).text).toContain('<code>reader</code>')
  })

  it('is changed later only with the current one, which makes the login fresh again, under a new token', async () => {
    const { clock, browser, opens } = await start(store)
    clock.advance(11 * MINUTE)
    await browser.page('/')
    expect((await browser.page('/account/password')).text).toContain(ASKS)
    const before = browser.cookie
    for (const fields of [{ new: NEW }, { new: NEW, current: '' }, { new: NEW, current: 'librarian' }]) {
      const refused = await browser.submit('/account/password', { ...fields })
      expect([refused.notice, refused.text.includes(ASKS)]).toEqual(['That is not your current password.', true])
    }
    expect(await opens(NEW)).toBe(false)
    if (store !== 'cookie') expect(browser.cookie).toBe(before)
    const page = await browser.submit('/account/password', { new: NEW, current: 'reader' })
    expect(page.notice).toContain('Your password is changed.')
    expect([await opens('reader'), await opens(NEW)]).toEqual([false, true])
    expect(browser.cookie).not.toBe(before)
    expect((await browser.page('/account/password')).text).not.toContain(ASKS)
  })

  it.each(['short', 'x'.repeat(101)])('is not changed to one of a wrong length (%#)', async (password) => {
    const { browser, opens } = await start(store)
    expect((await browser.post('/account/password', { new: password })).status).toBe(422)
    expect([await opens('reader'), await opens(password)]).toEqual([true, false])
  })

  it('is changed by users only', async () => {
    const { origin, opens } = await start(store)
    const visitor = new Browser(origin)
    expect((await visitor.get('/account/password')).headers.get('location')).toBe('/login')
    expect((await visitor.submit('/account/password', { new: NEW })).notice).toBe('Log in first.')
    expect(await opens(NEW)).toBe(false)
  })

  it('is no longer shown to everybody once it is changed', async () => {
    const { browser, origin } = await start(store)
    await browser.submit('/account/password', { new: NEW })
    const { text } = await new Browser(origin).page('/login')
    expect([text.includes('<code>reader</code>'), text.includes(NEW)]).toEqual([false, false])
    expect(text).toContain('<code>librarian</code>')
  })
})

describe.each(LISTING_STORES)('on the %s store, a change of the password', (store) => {
  it('ends all other sessions, fresh or not', async () => {
    const { clock, browser, origin } = await start(store)
    const other = new Browser(origin)
    await other.submit('/login', { name: 'reader', password: 'reader' })
    const page = await browser.submit('/account/password', { new: NEW })
    expect(page.notice).toBe('Your password is changed. Other sessions ended: 1.')
    expect((await other.get('/')).headers.get('location')).toBe('/login')
    await other.submit('/login', { name: 'reader', password: NEW })
    clock.advance(11 * MINUTE)
    await other.submit('/account/password', { new: 'another password', current: NEW })
    expect((await browser.get('/')).headers.get('location')).toBe('/login')
    expect((await other.page('/account')).devices).toHaveLength(1)
  })
})

it('on the cookie store, a change of the password says that it ends no other session', async () => {
  const { browser, origin } = await start('cookie')
  const other = new Browser(origin)
  await other.submit('/login', { name: 'reader', password: 'reader' })
  const page = await browser.submit('/account/password', { new: NEW })
  expect(page.notice).toBe('Your password is changed. Other browsers stay logged in.')
  expect((await other.page('/login')).user).toBe('reader')
})
