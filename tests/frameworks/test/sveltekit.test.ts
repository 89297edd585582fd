import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { launchChromium } from '../../../scripts/chromium.js'
import { takeTrip, type Trip } from './support/trip.ts'

takeTrip(
  'sveltekit',
  {
    packages: ['core', 'adapter-cookie', 'adapter-redis'],
    build: [['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn']],
    start: () => ['server.js'],
    env: () => ({ PROTOCOL_HEADER: 'x-scheme' }),
  },
  {
    logIn: (client, name, password) => client.post('/?/login', { name, password }),
    logOut: (client) => client.post('/?/logout'),
    visit: (client) => client.post('/?/visit'),
    fail: (client) => client.post('/?/fail'),
  },
  (trip) => {
    requests(trip)
    // What the browser adds does not depend on the store.
    describe.runIf(trip.store === 'redis')('in Chromium', () => {
      pages(trip)
    })
  },
)

function requests({ client: newClient, see, served }: Trip): void {
  test('a load function and the endpoint that it fetches have one session, on a first visit too', async () => {
    const client = newClient()
    const { text, headers } = await client.get('/first')
    expect(text).toContain('The endpoint counts 2, and 0 of a stranger. The page has 2.')
    expect(headers.getSetCookie()).toHaveLength(1)
    expect((await see(client)).visits).toBe(2)
  })

  test.each([
    ['/fails/at-all', 500],
    ['/fails/with-503', 503],
    // What the browser asks for when it navigates by itself.
    ['/fails/at-all/__data.json', 200],
    ['/fails/with-503/__data.json', 200],
  ])('a page that fails stores nothing: GET %s, %i', async (path, status) => {
    const client = newClient()
    await client.post('/?/visit')
    expect((await client.get(path)).status).toBe(status)
    expect((await see(client)).visits).toBe(1)
  })

  test.each([
    ['/fails/with-404', 404],
    ['/fails/with-redirect', 303],
    ['/fails/with-redirect/__data.json', 200],
  ])('an answer that is no failure of the server stores what was changed before: GET %s, %i', async (path, status) => {
    const client = newClient()
    await client.post('/?/visit')
    expect((await client.get(path)).status).toBe(status)
    expect((await see(client)).visits).toBe(2)
  })

  test('what is streamed can read the session, and a change there is SEALED', async () => {
    const client = newClient()
    await client.post('/?/login', { name: 'ada', password: 'lovelace' })
    const response = await fetch(`${served().origin}/streamed`, { headers: { cookie: client.cookie } })
    await client.post('/release')
    expect(await response.text()).toContain('ada SEALED')
    expect((await see(client)).visits).toBe(0)
  })

  test('a prerendered page has nothing of a session', async () => {
    const { status, headers } = await newClient().get('/about')
    expect(status).toBe(200)
    expect(headers.getSetCookie()).toEqual([])
    expect(headers.get('vary') ?? '').not.toContain('Cookie')
  })
}

function pages({ served }: Trip): void {
  let browser: Browser
  beforeAll(async () => (browser = await launchChromium()))
  afterAll(() => browser?.close())

  async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 640, height: 320 }, ...options })
    onTestFinished(() => context.close())
    const page = await context.newPage()
    await page.goto(`${served().origin}${path}`, { waitUntil: 'networkidle' })
    return page
  }

  const says = (page: Page, text: string): Promise<void> => page.getByText(text).waitFor()

  test.each([
    ['with use:enhance', true],
    ['without scripts', false],
  ])('a visitor logs in, sees the notice once, and logs out: %s', async (_, javaScriptEnabled) => {
    const page = await open('/', { javaScriptEnabled })
    const press = (name: string): Promise<void> => page.getByRole('button', { name }).click()
    let documents = 0
    page.on('request', (request) => (documents += request.isNavigationRequest() ? 1 : 0))

    await press('Visit')
    await says(page, 'Visit number 1')
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('hopper')
    await press('Log in')
    await says(page, 'Wrong name or password.')
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('lovelace')
    await press('Log in')
    await says(page, '1 visits by ada. Welcome, ada.')
    const picture = process.env['SESS_PICTURES']
    if (picture !== undefined && javaScriptEnabled) await page.screenshot({ path: `${picture}/sveltekit.png` })
    await press('Visit')
    await says(page, 'Visit number 2')
    await says(page, '2 visits by ada.')
    expect(await page.getByText('Welcome').count()).toBe(0)
    await press('Log out')
    await says(page, '0 visits by a stranger. You are logged out.')
    expect(documents === 0).toBe(javaScriptEnabled)
  })

  test('a remote function has the session, and a command that fails stores nothing', async () => {
    const page = await open('/remote')
    await says(page, '0 visits')
    await page.getByRole('button', { name: 'Visit' }).click()
    await says(page, '1 visits')
    await page.getByRole('button', { name: 'Fail' }).click()
    await says(page, 'That did not work.')
    await page.reload({ waitUntil: 'networkidle' })
    expect(await page.getByText('visits').textContent()).toBe('1 visits')
  })
}
