import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Sessions, sessions } from '@sess/core'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { startNginx } from '../../../../scripts/servers/nginx.js'
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

/** A visitor of https://shop.example, which is an nginx with these settings in front of the application. */
async function visitorOf(sess: Sessions, settings: string) {
  const port = await serve((request, response) => {
    void sess.open(request, response).then((session) => {
      const user = session['user'] ?? 'none'
      session['user'] = 'visitor'
      return response.end(user)
    })
  }, createServer())
  const location = `proxy_pass http://127.0.0.1:${port}; ${settings}`
  const nginx = await startNginx({ location, certificate: CERTIFICATE, privateKey: PRIVATE_KEY })
  onTestFinished(() => nginx.stop())

  return async (headers: OutgoingHttpHeaders = {}): Promise<{ headers: IncomingHttpHeaders; body: string }> => {
    const sent = { host: 'shop.example', ...headers }
    const request = httpsRequest(nginx.origin, {
      headers: sent,
      ca: CERTIFICATE,
      servername: 'localhost',
      agent: false,
    })
    const answered = once(request, 'response')
    request.end()
    const [response] = await answered
    return { headers: response.headers, body: (await response.setEncoding('utf8').toArray()).join('') }
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
