import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { CERTIFICATE, PRIVATE_KEY } from '../../packages/core/test/support/certificate.ts'
import { launchChromium } from '../../scripts/chromium.js'
import { oneLocation, startNginx } from '../../scripts/servers/nginx.js'
import type { Proxy } from '../../scripts/servers/site.js'
import { blockOf, CADDY, HAPROXY, NGINX, replaced, startProxy } from './support/proxies.ts'
import { Shop } from './support/shop.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

let shop: Shop
let chromium: Browser

beforeAll(async () => {
  vi.stubEnv('NODE_ENV', '')
  vi.spyOn(process, 'emitWarning').mockReturnValue()
  shop = await Shop.start()
  chromium = await launchChromium({ hosts: ['shop.example'] })
})
afterAll(async () => {
  await chromium?.close()
  await shop?.stop()
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** A cookie as the browser has stored it, by its name. */
type Stored = Readonly<Record<string, string>>

/** The cookies of the application. Its page is below /shop, so the one with this path is sent too. */
const OF_SITE: Stored = {
  '__Host-sess': 'shop.example / HttpOnly Secure Lax',
  '__Secure-domain': '.shop.example / HttpOnly Secure Lax',
  '__Secure-path': 'shop.example /shop HttpOnly Secure Lax',
}

/** Those that a browser stores of localhost, where it refuses the cookie of another domain. */
const OF_LOCALHOST: Stored = {
  '__Host-sess': 'localhost / HttpOnly Secure Lax',
  '__Secure-path': 'localhost /shop HttpOnly Secure Lax',
}
const PLAIN: Stored = { sess: 'localhost / HttpOnly Lax', path: 'localhost /shop HttpOnly Lax' }

/** nginx as on the page, but by plain http, with more settings in its server. */
const plainNginx = (more: string) =>
  startProxy(NGINX, shop.ports, (settings, { certificate, privateKey }) =>
    replaced(settings, [
      [' ssl http2;', ';'],
      [`ssl_certificate ${certificate};`, more],
      [`ssl_certificate_key ${privateKey};`, ''],
    ]),
  )

const plainCaddy = () =>
  startProxy(CADDY, shop.ports, (settings, { certificate, privateKey }) =>
    replaced(settings, [
      ['https://shop.example', 'http://localhost'],
      [`tls ${certificate} ${privateKey}`, ''],
    ]),
  )

const CASES: readonly (readonly [name: string, start: () => Promise<Proxy>, origin: string, stored: Stored])[] = [
  ...[NGINX, HAPROXY, CADDY].map(
    (kind) =>
      [`${kind.name}, as on the page`, () => startProxy(kind, shop.ports), 'https://shop.example', OF_SITE] as const,
  ),
  [
    'nginx, with a path of its own',
    () => {
      const location = blockOf('nginx', 'location')
      const own = [['  location / {\n    proxy_pass http://shop;\n  }\n', location]] as const
      return startProxy(NGINX, shop.ports, (settings) => replaced(settings, own))
    },
    'https://shop.example',
    OF_SITE,
  ],
  [
    'nginx, with proxy_pass alone',
    () =>
      startNginx({
        settings: oneLocation(`proxy_pass http://127.0.0.1:${shop.ports[0]};`),
        certificate: CERTIFICATE,
        privateKey: PRIVATE_KEY,
      }),
    'https://shop.example',
    OF_SITE,
  ],
  ['nginx, by http on localhost', () => plainNginx(''), 'http://localhost', OF_LOCALHOST],
  [
    'nginx, by http on localhost, with X-Forwarded-Host',
    () => plainNginx('proxy_set_header X-Forwarded-Host $http_host;'),
    'http://localhost',
    PLAIN,
  ],
  ['Caddy, by http on localhost', plainCaddy, 'http://localhost', PLAIN],
]

test.each(CASES)('Chromium stores the cookies, and sends them: %s', async (_, start, origin, stored) => {
  const proxy = await start()
  onTestFinished(() => proxy.stop())
  const context = await chromium.newContext({ ignoreHTTPSErrors: true })
  onTestFinished(() => context.close())
  const page = await context.newPage()

  const url = `${origin}:${proxy.port}/shop/page`
  await page.goto(url)
  expect(await page.locator('li').allTextContents()).toEqual(['nobody', 'nobody', 'nobody'])
  await page.click('button')
  const users = page.locator('li', { hasText: 'ada' })
  await users.first().waitFor()
  for (let visit = 0; visit < 2; visit++) {
    expect(await users.count()).toBe(Object.keys(stored).length)
    await page.goto(url)
  }

  const { cookies } = await (await context.newCDPSession(page)).send('Network.getAllCookies')
  const seen = cookies.map(({ name, domain, path, httpOnly, secure, sameSite }) => [
    name,
    [domain, path, httpOnly && 'HttpOnly', secure && 'Secure', sameSite].filter(Boolean).join(' '),
  ])
  expect(Object.fromEntries(seen)).toEqual(stored)
})
