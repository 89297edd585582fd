import { once } from 'node:events'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  request as requestByHttp,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer, request as requestByHttps } from 'node:https'
import { text as textOf } from 'node:stream/consumers'
import { type CookieOptions, SessError, type Sessions, sessions } from '@sess/core'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { launchChromium } from '../../../../scripts/chromium.js'
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'
import { listen } from '../support/served.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const CHOICES = {
  name: ['', '__Host-', '__Secure-', '__Http-', '__Host-Http-'],
  prefix: [undefined, false],
  secure: [undefined, true, false],
  sameSite: ['lax', 'strict', 'none'],
  domain: [undefined, 'shop.example'],
  path: ['/', '/app'],
  partitioned: [false, true],
  persistent: [false, true],
} as const

interface Choice {
  /** Part of the cookie's name. */
  readonly id: string
  readonly options: CookieOptions
  readonly sess: Sessions
}

function combinations(): readonly CookieOptions[] {
  let all: readonly CookieOptions[] = [{}]
  for (const [option, values] of Object.entries(CHOICES))
    all = all.flatMap((options) => values.map((value) => Object.assign({}, options, { [option]: value })))
  return all
}

/** Every combination of the options that sessions() accepts. */
function accepted(): readonly Choice[] {
  const store = new CountedStore()
  const choices: Choice[] = []
  for (const [index, combination] of combinations().entries()) {
    const id = `c${index}c`
    const options = { ...combination, name: `${combination.name}${id}` }
    try {
      choices.push({ id, options, sess: sessions(store, { secret: SECRET, cookie: options }) })
    } catch (error) {
      if (!(error instanceof SessError) || error.code !== 'INVALID_OPTION') throw error
    }
  }
  return choices
}

const CONTEXT = { ignoreHTTPSErrors: true }
const AT_ONCE = 120

let served: readonly Choice[] = []

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://x')
  response.setHeader('content-type', 'text/html')
  if (url.pathname === '/embed') response.end(`<iframe src="${url.searchParams.get('at')}"></iframe>`)
  else if (url.pathname === '/link') response.end(`<a href="${url.searchParams.get('at')}">there</a>`)
  else if (url.pathname === '/app/set') {
    for (const { sess } of served) Object.assign(await sess.open(request, response), { user: 7 })
    response.end('[]')
  } else if (url.pathname.endsWith('/get')) {
    const seen = await Promise.all(served.map(async ({ sess }) => (await sess.read(request)) !== null))
    response.end(JSON.stringify(seen))
  } else response.writeHead(404).end()
}

const listener = (request: IncomingMessage, response: ServerResponse): void => void answer(request, response)
const secure = createHttpsServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, listener)
const plain = createHttpServer(listener)
let chromium: Browser
let ports = { https: 0, http: 0 }

beforeAll(async () => {
  chromium = await launchChromium({ hosts: ['*.example'] })
  ports = { https: await listen(secure), http: await listen(plain) }
})

afterAll(async () => {
  await chromium.close()
  for (const server of [secure, plain]) {
    server.close()
    server.closeAllConnections()
  }
})

/** Where Chromium sends a cookie. */
interface Sent {
  readonly here: boolean
  readonly outsidePath: boolean
  readonly onSubdomain: boolean
  readonly byLinkOfOtherSite: boolean
  /** The cookie was set in a page of its own. */
  readonly inFrameOfOtherSite: boolean
  /** The cookie was set in a frame of another site. */
  readonly afterFrame: { readonly inFrame: boolean; readonly inOwnPage: boolean }
  readonly lasts: boolean
}

function promisedTo({ path, domain, sameSite, partitioned = false, persistent = false }: CookieOptions): Sent {
  return {
    here: true,
    outsidePath: path === '/',
    onSubdomain: domain !== undefined,
    byLinkOfOtherSite: sameSite !== 'strict',
    // Without partitioning, this Chromium blocks the cookies of other sites, as many browsers do.
    inFrameOfOtherSite: false,
    afterFrame: { inFrame: partitioned, inOwnPage: false },
    lasts: persistent,
  }
}

interface Origins {
  readonly own: string
  readonly sub: string
  readonly other: string
}

async function seenBy(
  context: BrowserContext,
  url: string,
  by?: { readonly how: string; readonly other: string },
): Promise<readonly unknown[]> {
  const page = await context.newPage()
  await page.goto(by === undefined ? url : `${by.other}/${by.how}?at=${encodeURIComponent(url)}`)
  if (by?.how === 'link') {
    await page.click('a')
    await page.waitForURL(url)
  }
  const frame = by?.how === 'embed' ? page.frames()[1] : page.mainFrame()
  const text = await frame?.locator('body').textContent()
  await page.close()
  return JSON.parse(text ?? '')
}

/** Sets a cookie for each choice, and looks where Chromium sends it. */
async function walk(choices: readonly Choice[], { own, sub, other }: Origins): Promise<readonly Sent[]> {
  served = choices
  const [top, framed] = [await chromium.newContext(CONTEXT), await chromium.newContext(CONTEXT)]
  await seenBy(top, `${own}/app/set`)
  await seenBy(framed, `${own}/app/set`, { how: 'embed', other })
  const here = await seenBy(top, `${own}/app/get`)
  const outsidePath = await seenBy(top, `${own}/get`)
  const onSubdomain = await seenBy(top, `${sub}/app/get`)
  const byLink = await seenBy(top, `${own}/app/get`, { how: 'link', other })
  const inFrame = await seenBy(top, `${own}/app/get`, { how: 'embed', other })
  const inFrameAfter = await seenBy(framed, `${own}/app/get`, { how: 'embed', other })
  const inOwnPageAfter = await seenBy(framed, `${own}/app/get`)
  const lasting = (await top.cookies()).filter(({ expires }) => expires > 0).map(({ name }) => name)
  await Promise.all([top.close(), framed.close()])
  return choices.map(({ id }, index) => ({
    here: here[index] === true,
    outsidePath: outsidePath[index] === true,
    onSubdomain: onSubdomain[index] === true,
    byLinkOfOtherSite: byLink[index] === true,
    inFrameOfOtherSite: inFrame[index] === true,
    afterFrame: { inFrame: inFrameAfter[index] === true, inOwnPage: inOwnPageAfter[index] === true },
    lasts: lasting.some((name) => name.includes(id)),
  }))
}

/** Asks the server at an origin, without a browser. */
async function ask(origin: string, path: string, cookie = ''): Promise<{ lines: readonly string[]; body: string }> {
  const { protocol, hostname, port, host } = new URL(path, origin)
  const address = { host: '127.0.0.1', port, path, headers: { host, cookie }, maxHeaderSize: 2 ** 20 }
  const asked =
    protocol === 'http:'
      ? requestByHttp(address)
      : requestByHttps({ ...address, servername: hostname, rejectUnauthorized: false })
  const [response]: IncomingMessage[] = await once(asked.end(), 'response')
  return { lines: response?.headers['set-cookie'] ?? [], body: response === undefined ? '' : await textOf(response) }
}

/** The choices, by all of the cookie that they set but its id and its value. Each choice finds its own cookie again. */
async function byCookie(choices: readonly Choice[], own: string): Promise<ReadonlyMap<string, readonly Choice[]>> {
  const alike = new Map<string, Choice[]>()
  for (const part of parts(choices)) {
    served = part
    const { lines } = await ask(own, '/app/set')
    const { body } = await ask(own, '/app/get', lines.map((line) => line.split(';', 1)[0]).join('; '))
    expect(JSON.parse(body)).toEqual(part.map(() => true))
    for (const choice of part) {
      const line = lines.find((one) => one.includes(choice.id)) ?? ''
      const cookie = line.replace(choice.id, '').replace(/=[^;]*/, '')
      alike.set(cookie, [...(alike.get(cookie) ?? []), choice])
    }
  }
  return alike
}

const parts = (choices: readonly Choice[]) =>
  Array.from({ length: Math.ceil(choices.length / AT_ONCE) }, (_, part) =>
    choices.slice(part * AT_ONCE, (part + 1) * AT_ONCE),
  )

/**
 * Asserts that Chromium sends each cookie where its options promise. Options that set the same cookie are looked at once,
 * and `promised` must promise the same for all of them. A site has as many cookies at once as Chromium stores of it.
 */
async function expectSent(
  choices: readonly Choice[],
  origins: Origins,
  promised: (options: CookieOptions) => Sent = promisedTo,
): Promise<void> {
  const groups = [...(await byCookie(choices, origins.own)).values()]
  const sent: Sent[] = []
  for (const part of parts(groups.flatMap(([first]) => first ?? []))) sent.push(...(await walk(part, origins)))
  expect(sent).toHaveLength(groups.length)
  for (const [index, group] of groups.entries())
    for (const { options } of group)
      expect({ options, sent: sent[index] }).toEqual({ options, sent: promised(options) })
}

describe('Chromium sends the cookie where its options promise, whatever they are', () => {
  test('by https', async () => {
    const choices = accepted()
    const origins = {
      own: `https://www.shop.example:${ports.https}`,
      sub: `https://api.shop.example:${ports.https}`,
      other: `https://other.example:${ports.https}`,
    }
    await expectSent(choices, origins)
  })

  test('by plain http, without Secure', async () => {
    const choices = accepted().filter(({ options }) => options.secure === false)
    const origins = {
      own: `http://www.shop.example:${ports.http}`,
      sub: `http://api.shop.example:${ports.http}`,
      other: `http://other.example:${ports.http}`,
    }
    await expectSent(choices, origins)
  })

  // With a domain, SESS_COOKIE_DOMAIN says that the cookie is refused.
  test('by plain http on localhost, without a domain', async () => {
    const choices = accepted().filter(({ options }) => options.domain === undefined)
    const own = `http://localhost:${ports.http}`
    const origins = { own, sub: own, other: `https://other.example:${ports.https}` }
    await expectSent(choices, origins, (options) => ({ ...promisedTo(options), onSubdomain: true }))
  })
})
