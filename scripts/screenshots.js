// Takes the screenshots in docs/images from the built bookshelf.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { launchChromium } from './chromium.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const IMAGES = join(ROOT, 'docs/images')

const server = spawn(process.execPath, [join(ROOT, 'examples/bookshelf/dist/server.js')], {
  env: { PORT: '0', SESSION_STORE: 'memory', SESSION_SECRET: randomBytes(32).toString('base64url') },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const browser = await launchChromium()
try {
  const line = String((await once(createInterface(server.stdout), 'line'))[0])
  const baseURL = /http:\S+\//.exec(line)?.[0]
  if (baseURL === undefined) throw new Error(`The bookshelf printed no address: ${line}`)
  const viewport = { width: 640, height: 100 }
  const context = await browser.newContext({ baseURL, colorScheme: 'light', deviceScaleFactor: 2, viewport })
  const page = await context.newPage()
  mkdirSync(IMAGES, { recursive: true })

  /**
   * @param {string} name
   * @param {import('playwright-core').Locator} [end] cuts the screenshot off above this element
   */
  async function take(name, end) {
    const path = join(IMAGES, `${name}.png`)
    const { y: height } = (await end?.boundingBox()) ?? { y: undefined }
    if (height === undefined) await page.screenshot({ path, fullPage: true })
    else await page.screenshot({ path, fullPage: true, clip: { x: 0, y: 0, width: viewport.width, height } })
  }

  /** @param {string} name */
  const press = (name) => Promise.all([page.waitForEvent('load'), page.getByRole('button', { name }).click()])

  /** @param {string} device */
  async function logIn(device) {
    await page.goto('/login')
    await page.getByLabel('Name').fill('librarian')
    await page.getByLabel('Password').fill('librarian')
    await page.getByLabel('device').fill(device)
    await press('Log in')
  }

  // Without their cookies, the browser is another device each time.
  for (const device of ['Reading room', 'Telephone']) {
    await logIn(device)
    await context.clearCookies()
  }
  await logIn('')
  await press('Add to cart: Middlemarch')
  await take('books', page.getByRole('listitem').nth(3))
  await page.goto('/admin')
  await page.getByLabel('Notice').fill('The reading room closes at six today.')
  await take('admin')

  await page.goto('/account')
  await take('devices')
} finally {
  await browser.close()
  server.kill()
}
