import type { Browser, BrowserContext, BrowserContextOptions, Page as Tab } from 'playwright-core'
import { afterAll, beforeAll, onTestFinished, vi } from 'vitest'
import { launchChromium } from '../../../scripts/chromium.js'
import { isNightly } from '../../../scripts/nightly.js'
import { SECRET, ServerProcess } from './bookshelf.js'
import { environmentFor, type StoreName } from './stores.js'

// A browser is slow on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** `devices.test.ts` and `visitor.test.ts` try all of them without a browser. */
export const SERVER_STORES = isNightly ? (['memory', 'redis', 'sqlite'] as const) : (['redis'] as const)

let chromium: Browser

beforeAll(async () => {
  chromium = await launchChromium()
})

afterAll(() => chromium.close())

export async function start(store: StoreName, env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  return new ServerProcess({ SESSION_SECRET: SECRET, ...(await environmentFor(store)), ...env })
}

/** The server's origin for a browser. It is `localhost`, so that 127.0.0.1 is another site. */
export async function originOf(server: Pick<ServerProcess, 'origin'>): Promise<string> {
  return (await server.origin()).replace('127.0.0.1', 'localhost')
}

/** A visitor: a browser profile without cookies. */
export async function visitorOf(
  server: Pick<ServerProcess, 'origin'>,
  options: BrowserContextOptions = {},
  browser: Browser = chromium,
): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: await originOf(server), ...options })
  onTestFinished(() => context.close())
  return context
}

export async function open(visitor: BrowserContext, path = '/'): Promise<Tab> {
  const tab = await visitor.newPage()
  await tab.goto(path)
  return tab
}

/** Presses a button, and waits for the next page to load. */
export async function press(tab: Tab, name: string): Promise<void> {
  await Promise.all([tab.waitForEvent('load'), tab.getByRole('button', { name }).click()])
}

export async function logIn(tab: Tab, name = 'reader', device?: string): Promise<void> {
  await tab.goto('/login')
  await tab.getByLabel('Name').fill(name)
  await tab.getByLabel('Password').fill(name)
  if (device !== undefined) await tab.getByLabel('device').fill(device)
  await press(tab, 'Log in')
}

export const notices = (tab: Tab) => tab.locator('p[role=status]').allTextContents()
export const users = (tab: Tab) => tab.locator('#user').allTextContents()
