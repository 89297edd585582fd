import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { launchChromium } from '../../../scripts/chromium.js'
import { ask } from '../../../scripts/servers/server.js'
import type { Recipe } from './support/application.ts'
import type { Client } from './support/client.ts'
import { type Forms, takeTrip, type Trip } from './support/trip.ts'
import { isNightly } from '../../../scripts/nightly.js'

const NEXT = 'node_modules/next/dist/bin/next'

const HOUR = 3_600_000

/** For a busy machine. */
const PATIENCE = { timeout: 30_000 }

/** Sends a form of the page without JavaScript, with the hidden fields that name its action. */
async function submit(client: Client, form: string, fields: Readonly<Record<string, string>> = {}) {
  const { text } = await client.get('/')
  const [, html = ''] = new RegExp(`<form[^>]* id="${form}"[^>]*>(.*?)</form>`, 's').exec(text) ?? []
  const data = new FormData()
  for (const [, name = '', value = ''] of html.matchAll(/<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?/g))
    data.append(name, value.replaceAll('&quot;', '"'))
  for (const [name, value] of Object.entries(fields)) data.append(name, value)
  return client.post('/', data)
}

const visit = (client: Client) => client.post('/visit')

function inRouteHandlers({ client: newClient, see, served, store, redis }: Trip): void {
  test('a redirect that a route handler throws keeps what was changed before it', async () => {
    const client = newClient()
    const { status, headers } = await client.post('/moved')
    expect([status, headers.get('location')]).toEqual([307, '/'])
    expect((await see(client)).notice).toBe('Moved.')
  })

  test('a notFound that a route handler throws keeps what was changed before it', async () => {
    const client = newClient()
    expect((await client.post('/gone')).status).toBe(404)
    expect((await see(client)).notice).toBe('Not here.')
  })

  test('a change that is not stored is dropped, and the log says what to do', async () => {
    const client = newClient()
    expect((await client.post('/unsaved')).status).toBe(200)
    expect((await see(client)).notice).toBe('')
    await expect.poll(() => served().output, PATIENCE).toContain('Call `await session.save()` before')
    expect(served().output).not.toContain('Lost.')
  })

  if (store === 'cookie') return
  test('a store that takes no changes makes a route handler answer 503, and an action fail', async () => {
    const client = newClient()
    await visit(client)
    // A replica whose master cannot be reached serves reads and refuses writes.
    await ask(redis().port, 'REPLICAOF 127.0.0.1 1')
    try {
      expect(await visit(client)).toMatchObject({ status: 503, text: '503 Service Unavailable\n' })
      expect((await submit(client, 'count')).status).toBe(500)
    } finally {
      await ask(redis().port, 'REPLICAOF NO ONE')
    }
    // The store connects anew after such an error, which means a failover.
    await expect.poll(async () => (await client.get('/')).text, PATIENCE).toContain('1 visits by')
  })
}

function inActions({ client: newClient, see, store }: Trip): void {
  test('actions at the same time lose no change where the store merges', async () => {
    const client = newClient()
    await visit(client)
    await Promise.all(Array.from({ length: 6 }, () => submit(client, 'count')))
    const { visits } = await see(client)
    if (store === 'redis') expect(visits).toBe(7)
    else expect(visits).toBeGreaterThan(1)
  })

  test('a notFound that an action throws keeps what was changed before it', async () => {
    const client = newClient()
    expect((await submit(client, 'lose')).status).toBe(404)
    expect((await see(client)).notice).toBe('Not here.')
  })

  test('the page that an action renders shows what the action has stored', async () => {
    const client = newClient()
    await visit(client)
    expect((await submit(client, 'count')).text).toContain('2 visits by')
  })
}

function inPages({ client: newClient, see, served, store, redis, advance }: Trip): void {
  test('a component may call a wrapped function that only reads', async () => {
    const client = newClient()
    await submit(client, 'login', { name: 'ada', password: 'lovelace' })
    expect((await client.get('/who')).text).toContain('You are ada.')
  })

  test('a component that changes the session, even a late one, is told where to do it, and changes nothing', async () => {
    const client = newClient()
    await client.post('/moved')
    expect((await client.get('/late')).text).not.toContain('Moved.')
    await expect.poll(() => served().output, PATIENCE).toContain('A server component cannot change the session')
    expect((await see(client)).notice).toBe('Moved.')
  })

  if (store === 'cookie') return
  test('a page extends the session after its response', async () => {
    const client = newClient()
    await visit(client)
    const updates = () =>
      ask(redis().port, 'INFO commandstats').then((text) => /cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1])
    const before = await updates()
    advance(20 * HOUR)
    await see(client)
    await expect.poll(updates, PATIENCE).not.toBe(before)
    advance(40 * HOUR)
    expect((await see(client)).visits).toBe(1)
    advance(0)
  })
}

function inTheProxy({ client: newClient, store }: Trip): void {
  test('the page of the same request sees what the proxy has changed, and is for no cache', async () => {
    const client = newClient()
    const first = await client.get('/through')
    expect(first.text).toContain('Seen 1 times by a stranger.')
    expect(first.headers.get('cache-control')).toContain('no-store')
    expect(first.headers.getSetCookie()).toHaveLength(1)
    const second = await client.get('/through?login')
    expect(second.text).toContain('Seen 2 times by grace.')
    expect(second.headers.get('cache-control')).toContain('no-store')
    expect((await client.get('/through')).text).toContain('Seen 3 times by grace.')
  })

  test('a route of pages/api sees it too, and adds its own change', async () => {
    const client = newClient()
    expect(JSON.parse((await client.get('/api/through?login')).text)).toEqual({ seen: 1, user: 'grace', visits: 1 })
    expect(JSON.parse((await client.get('/api/through')).text)).toEqual({ seen: 2, user: 'grace', visits: 2 })
  })

  test('a redirect of the proxy keeps what it has changed', async () => {
    const client = newClient()
    expect((await client.get('/through?login&away')).status).toBe(307)
    expect((await client.get('/through')).text).toContain('Seen 2 times by grace.')
  })

  test('a proxy that fails stores nothing', async () => {
    const client = newClient()
    await client.get('/through')
    expect((await client.get('/through?login&fail')).status).toBe(500)
    expect((await client.get('/through')).text).toContain('Seen 2 times by a stranger.')
  })

  if (store === 'cookie') return
  test('the cookie from before a login in the proxy opens nothing that came after', async () => {
    const client = newClient()
    await client.get('/through')
    const thief = client.copy()
    await client.get('/through?login')
    expect((await thief.get('/')).text).not.toContain('grace')
  })
}

function inChromium({ served, store }: Trip): void {
  test('in Chromium: a login by an action, its notice once, visits that the page shows, and a logout', async () => {
    const browser = await launchChromium()
    try {
      const page = await browser.newPage({ viewport: { width: 800, height: 360 } })
      const heading = page.locator('h1')
      await page.goto(served().origin.replace('127.0.0.1', 'localhost'))
      await page.getByRole('button', { name: 'Count' }).click()
      await expect.poll(() => heading.textContent(), PATIENCE).toContain('1 visits by a stranger.')
      await page.getByLabel('Name').fill('ada')
      await page.getByLabel('Password').fill('lovelace')
      await page.getByRole('button', { name: 'Log in' }).click()
      await expect.poll(() => heading.textContent(), PATIENCE).toContain('1 visits by ada.')
      await page.getByRole('button', { name: 'Count' }).click()
      await expect.poll(() => heading.textContent(), PATIENCE).toBe('2 visits by ada. ')
      await page.reload()
      expect(await heading.textContent()).toBe('2 visits by ada. ')
      if (process.env['SESS_SCREENSHOTS'] === '1' && store === 'redis')
        await page.screenshot({ path: new URL('../../../docs/images/next.png', import.meta.url).pathname })
      await page.getByRole('button', { name: 'Log out' }).click()
      await expect.poll(() => heading.textContent(), PATIENCE).toContain('0 visits by a stranger.')
    } finally {
      await browser.close()
    }
  })
}

function whileEditing({ application, client: newClient, store, redis }: Trip): void {
  if (store === 'cookie') return
  test('an edit of the module that makes the sessions leaves one connection, and every session', async () => {
    const client = newClient()
    await visit(client)
    const module = join(application().path, 'lib/session.ts')
    const text = readFileSync(module, 'utf8')
    const connections = async () => (await ask(redis().port, 'CLIENT LIST')).match(/\bid=/g)?.length ?? 0
    const before = await connections()
    try {
      for (const edit of [1, 2, 3]) {
        const seen = async () => {
          // Nothing says when the server has noticed an edit.
          writeFileSync(module, `${text}\nconsole.log('edit ${edit}')\n\nexport const edit = ${edit}\n`)
          return (await client.get('/edit')).text
        }
        await expect.poll(seen, { timeout: 60_000, interval: 1000 }).toBe(String(edit))
        await visit(client)
      }
    } finally {
      writeFileSync(module, text)
    }
    expect(await connections()).toBe(before)
    expect((await client.get('/')).text).toContain('4 visits by')
  })
}

function inNode({ application, store }: Trip): void {
  if (store === 'redis') return
  test.each([
    ['ES modules', "import { nextSessions } from '@sess/next'"],
    ['CommonJS', "const { nextSessions } = require('@sess/next')"],
  ])('in %s, anything but what sessions() returned is refused', async (_, load) => {
    const options = "nextSessions({ secret: 'a secret for tests, of 32 bytes or more' })"
    const script = `${load}\ntry { ${options} } catch ({ code, message }) { console.log(code, message) }`
    const type = load.startsWith('import') ? 'module' : 'commonjs'
    const printed = await application().run([`--input-type=${type}`, '--eval', script])
    expect(printed).toContain('INVALID_OPTION The argument of nextSessions() is not what sessions() returned.')
  })
}

const RECIPE: Recipe = {
  packages: ['core', 'adapter-cookie', 'adapter-redis', 'next'],
  build: [[NEXT, 'build']],
  start: (port) => [NEXT, 'start', '-p', String(port), '-H', '127.0.0.1'],
}

const DEVELOPMENT: Recipe = {
  ...RECIPE,
  title: 'next in development',
  build: [],
  start: (port) => [NEXT, 'dev', '-p', String(port), '-H', '127.0.0.1'],
}

const DAILY: readonly (readonly [string, Recipe])[] = [['next', RECIPE]]

// Next 15 builds with webpack, and a development server compiles each route: both take minutes of a processor.
const NIGHTLY: typeof DAILY = [
  ['next', DEVELOPMENT],
  ['next-15', { ...RECIPE, build: [['prepare.js'], [NEXT, 'build']] }],
]

const FORMS: Forms = {
  logIn: (client, name, password) => submit(client, 'login', { name, password }),
  logOut: (client) => submit(client, 'logout'),
  fail: (client) => submit(client, 'fail'),
  dismiss: (client) => submit(client, 'dismiss'),
}

for (const [name, recipe] of isNightly ? [...DAILY, ...NIGHTLY] : DAILY) {
  takeTrip(name, recipe, FORMS, (trip) => {
    inRouteHandlers(trip)
    inActions(trip)
    inPages(trip)
    inTheProxy(trip)
    inChromium(trip)
    inNode(trip)
    if (recipe === DEVELOPMENT) whileEditing(trip)
  })
}
