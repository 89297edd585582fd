import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import cookie from '@sess/adapter-cookie'
import { type Sessions, sessions } from '@sess/core'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { oneLocation, startNginx } from '../../../../scripts/servers/nginx.js'
import { Browser } from '../support/browser.ts'
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate.ts'
import { CountedStore } from '../support/counted-store.ts'
import { SECRET } from '../support/secret.ts'
import { serve } from '../support/served.ts'

beforeEach(() => {
  vi.stubEnv('NODE_ENV', undefined)
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

interface Page {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function answer(sess: Sessions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const session = await sess.open(request, response)
  const user = session['user'] ?? 'none'
  session['user'] = 'visitor'
  response.end(user)
}

/** A visitor of https://shop.example, which is an nginx with these settings in front of the application. */
async function visitorOf(
  sess: Sessions,
  settings: string,
  handle = answer,
): Promise<(headers?: OutgoingHttpHeaders) => Promise<Page>> {
  const port = await serve((request, response) => void handle(sess, request, response))
  const site = oneLocation(`proxy_pass http://127.0.0.1:${port}; ${settings}`)
  const nginx = await startNginx({ settings: site, certificate: CERTIFICATE, privateKey: PRIVATE_KEY })
  onTestFinished(() => nginx.stop())

  return async (headers = {}) => {
    const sent = { host: 'shop.example', ...headers }
    const request = httpsRequest(`https://127.0.0.1:${nginx.port}`, {
      headers: sent,
      ca: CERTIFICATE,
      servername: 'localhost',
      agent: false,
    })
    const answered = once(request, 'response')
    request.end()
    const [response] = await answered
    const { statusCode: status, headers: received } = response
    return { status, headers: received, body: (await response.setEncoding('utf8').toArray()).join('') }
  }
}

const HTTP_1_1 = 'proxy_http_version 1.1;'
const KEEP_ALIVE = `${HTTP_1_1} proxy_set_header Connection "";`
const CLIENT_HOST = 'proxy_set_header Host $host;'

const PAGES: readonly OutgoingHttpHeaders[] = [
  {},
  { origin: 'https://shop.example' },
  { referer: 'https://shop.example/login' },
]
const NAMED_PAGES = PAGES.slice(1)

describe('behind nginx, by https', () => {
  const CASES: readonly (readonly [settings: string, pages: readonly OutgoingHttpHeaders[]])[] = [
    ['', PAGES],
    [CLIENT_HOST, PAGES],
    [`${HTTP_1_1} ${CLIENT_HOST}`, PAGES],
    [`${KEEP_ALIVE} ${CLIENT_HOST}`, PAGES],
    [`${HTTP_1_1} proxy_set_header X-Forwarded-Proto $scheme;`, PAGES],
    [HTTP_1_1, NAMED_PAGES],
    [KEEP_ALIVE, NAMED_PAGES],
  ]

  test.each(CASES)('the cookie has Secure and its prefix with the settings %j', async (settings, pages) => {
    const visit = await visitorOf(sessions(new CountedStore(), { secret: SECRET }), settings)
    for (const page of pages) {
      const { 'set-cookie': lines } = (await visit(page)).headers
      expect(lines).toEqual([expect.stringMatching(/^__Host-sess=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)])
    }
  })

  test.each(CASES)('a plain cookie of a sibling host is not read with the settings %j', async (settings, pages) => {
    const sess = sessions(new CountedStore(), { secret: SECRET })
    const attacker = new Browser(sess, { https: false })
    await attacker.visit((session) => Object.assign(session, { user: 'attacker' }))
    const visit = await visitorOf(sess, settings)
    for (const page of pages) expect((await visit({ ...page, cookie: attacker.cookie })).body).toBe('none')
  })

  test.each(['', HTTP_1_1, KEEP_ALIVE])('nothing is plain in production, with the settings %j', async (settings) => {
    vi.stubEnv('NODE_ENV', 'production')
    const visit = await visitorOf(sessions(new CountedStore(), { secret: SECRET }), settings)
    for (const page of PAGES)
      expect((await visit(page)).headers['set-cookie']).toEqual([expect.stringMatching(/^__Host-sess=.*; Secure/)])
  })

  // What SECURITY.md says is left: such a request is that of a browser on this machine, to the letter.
  test.each([HTTP_1_1, KEEP_ALIVE])(
    'a page that is opened by its address is local with the settings %j',
    async (settings) => {
      const visit = await visitorOf(sessions(new CountedStore(), { secret: SECRET }), settings)
      const { headers } = await visit()
      expect(headers['set-cookie']).toEqual([expect.stringMatching(/^sess=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/)])
    },
  )
})

describe('a session in a cookie, behind the header buffer of nginx (4 kB)', () => {
  /** As many bytes of headers as a handler with helmet and a content security policy sends. */
  const HEADERS = 1000

  /** The answer to a request that stores a session of at least this size. */
  async function statusWith(options: { readonly maxBytes?: number }, size: number): Promise<number | undefined> {
    const sess = sessions(cookie, { secret: SECRET, onError: () => undefined, ...options })
    const visit = await visitorOf(sess, CLIENT_HOST, async (_, request, response) => {
      response.setHeader('content-security-policy', 'x'.repeat(HEADERS))
      const session = await sess.open(request, response)
      session['text'] = 'x'.repeat(size)
      response.end()
    })
    return (await visit()).status
  }

  test('passes if it has 1900 bytes', async () => {
    expect(await statusWith({}, 1900)).toBe(200)
  })

  test('is answered by nginx with 502 if it has 2400 bytes', async () => {
    expect(await statusWith({}, 2400)).toBe(502)
  })

  test('is TOO_LARGE, which the application sees, if maxBytes says so', async () => {
    expect(await statusWith({ maxBytes: 2000 }, 2400)).toBe(500)
  })
})
