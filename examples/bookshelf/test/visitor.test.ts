import { describe, expect, it } from 'vitest'
import { SECRET, serve, ServerProcess } from './bookshelf.js'
import { Browser } from './browser.js'
import { environmentFor, type StoreName, STORES } from './stores.js'

const READER = { name: 'reader', password: 'reader' }
const LIBRARIAN = { name: 'librarian', password: 'librarian' }

async function browsers(store: StoreName): Promise<readonly [Browser, Browser]> {
  const origin = await serve(await environmentFor(store))
  return [new Browser(origin), new Browser(origin)]
}

describe.each(STORES)('on the %s store', (store) => {
  it('counts the visits of each visitor', async () => {
    const [one, other] = await browsers(store)
    expect((await one.page('/')).visits).toBe(1)
    expect((await one.page('/')).visits).toBe(2)
    expect((await other.page('/')).visits).toBe(1)
  })

  it('keeps books in the cart, each once, until they are removed', async () => {
    const [browser] = await browsers(store)
    await browser.submit('/cart/add', { book: 'middlemarch' })
    await browser.submit('/cart/add', { book: 'souls' })
    const added = await browser.submit('/cart/add', { book: 'middlemarch' })
    expect(added.notice).toBe('“Middlemarch” is in your cart.')
    expect((await browser.page('/cart')).titles).toEqual(['Middlemarch', 'The Souls of Black Folk'])
    expect((await browser.submit('/cart/remove', { book: 'middlemarch' })).titles).toEqual(['The Souls of Black Folk'])
  })

  it('begins no session for an unknown book', async () => {
    const [browser] = await browsers(store)
    expect((await browser.post('/cart/add', { book: '__proto__' })).status).toBe(404)
    expect(browser.cookie).toBe('')
  })

  it('shows a notice once', async () => {
    const [browser] = await browsers(store)
    expect((await browser.submit('/cart/add', { book: 'souls' })).notice).toContain('is in your cart')
    expect((await browser.page('/')).notice).toBeUndefined()
  })

  it('logs in to a new token, and the cart moves along', async () => {
    const [browser, other] = await browsers(store)
    await browser.submit('/cart/add', { book: 'souls' })
    other.cookie = browser.cookie
    const welcome = await browser.submit('/login', READER)
    expect(welcome.notice).toBe('Welcome, reader.')
    expect((await browser.page('/login')).user).toBe('reader')
    expect((await browser.page('/cart')).titles).toEqual(['The Souls of Black Folk'])
    expect((await other.page('/login')).user).toBeUndefined()
  })

  it.each([{ name: 'reader', password: 'librarian' }, { name: 'nobody', password: 'reader' }, { name: 'reader' }])(
    'refuses a login with %j',
    async (fields) => {
      const [browser] = await browsers(store)
      const page = await browser.submit('/login', { ...fields })
      expect(page.notice).toBe('Wrong name or password.')
      expect(page.user).toBeUndefined()
    },
  )

  it('forgets everything at logout, and says so in a new session', async () => {
    const [browser] = await browsers(store)
    await browser.submit('/cart/add', { book: 'souls' })
    await browser.submit('/login', READER)
    const page = await browser.submit('/logout')
    expect(page.notice).toBe('You are logged out.')
    expect(page.visits).toBe(1)
    expect((await browser.page('/login')).user).toBeUndefined()
    expect((await browser.page('/cart')).titles).toEqual([])
  })

  it('shows in the admin slice who has logged in through the main slice', async () => {
    const [browser] = await browsers(store)
    expect((await browser.page('/admin')).user).toBeUndefined()
    await browser.submit('/login', READER)
    expect((await browser.page('/admin')).user).toBe('reader')
  })

  it('shows in the main slice what the admin slice has put up, escaped', async () => {
    const [browser] = await browsers(store)
    await browser.submit('/login', LIBRARIAN)
    const page = await browser.submit('/admin/notice', { notice: `<b title="a" class='b'>&Closed</b>` })
    expect(page.notice).toBe('&lt;b title=&quot;a&quot; class=&#39;b&#39;&gt;&amp;Closed&lt;/b&gt;')
  })

  it.each([undefined, READER])('lets only the librarian put up a notice, not %j', async (user) => {
    const [browser] = await browsers(store)
    if (user) await browser.submit('/login', user)
    await browser.page('/')
    expect((await browser.post('/admin/notice', { notice: 'Closed' })).status).toBe(403)
    expect((await browser.page('/')).notice).toBeUndefined()
  })

  it.each(['', 'x'.repeat(201)])('refuses a notice of a wrong length (%#)', async (notice) => {
    const [browser] = await browsers(store)
    await browser.submit('/login', LIBRARIAN)
    expect((await browser.post('/admin/notice', { notice })).status).toBe(422)
  })

  it('opens no session for the style sheet', async () => {
    const [browser] = await browsers(store)
    const { headers, status } = await browser.get('/style.css')
    expect([status, headers.get('cache-control'), headers.get('vary'), browser.cookie]).toEqual([
      200,
      'public, max-age=3600',
      null,
      '',
    ])
  })
})

it.each(STORES.filter((store) => store !== 'cookie'))(
  'on the %s store, a logout ends the session for whoever has a copy of its cookie',
  async (store) => {
    const [browser, other] = await browsers(store)
    await browser.submit('/login', READER)
    other.cookie = browser.cookie
    await browser.submit('/logout')
    expect((await other.page('/login')).user).toBeUndefined()
  },
)

it.each(STORES.filter((store) => store !== 'cookie'))(
  'on the %s store, counts every one of 50 visits at once',
  async (store) => {
    const [browser] = await browsers(store)
    await browser.page('/')
    await Promise.all(Array.from({ length: 50 }, () => browser.page('/')))
    expect((await browser.page('/')).visits).toBe(52)
  },
)

it.each(['redis', 'memcache', 'sqlite'] as const)(
  'on the %s store, a session outlives a restart of the application',
  async (store) => {
    const env = { SESSION_SECRET: SECRET, ...(await environmentFor(store)) }
    const first = new ServerProcess(env)
    const browser = new Browser(await first.origin())
    await browser.submit('/login', READER)
    expect(await first.ended('SIGTERM')).toBe(0)
    const again = new Browser(await new ServerProcess(env).origin())
    again.cookie = browser.cookie
    expect((await again.page('/login')).user).toBe('reader')
  },
)

it('on the cookie store, a copy of the cookie outlives the logout, as the README says', async () => {
  const [browser, other] = await browsers('cookie')
  await browser.submit('/login', READER)
  other.cookie = browser.cookie
  await browser.submit('/logout')
  expect((await other.page('/login')).user).toBe('reader')
})
