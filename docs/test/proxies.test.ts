import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { CERTIFICATE, PRIVATE_KEY } from '../../packages/core/test/support/certificate.ts'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { startNginx } from '../../scripts/servers/nginx.js'
import type { Place, Proxy } from '../../scripts/servers/site.js'
import { Document } from './support/document.ts'
import { PageProgram } from './support/page-program.ts'
import { blockOf, CADDY, HAPROXY, messageOf, NGINX, replaced, startProxy } from './support/proxies.ts'
import { Shop } from './support/shop.ts'
import { getByHttp2, HOST, SiteClient, TRUST } from './support/site-client.ts'
import { workspace } from './support/workspace.ts'

/** The bytes of the largest text that the session of a cookie holds, which makes a line of more than 4000 characters. */
const LARGEST = 2890

/** Milliseconds for what takes a moment, on a busy machine. */
const PATIENCE = 20_000

let shop: Shop

beforeAll(async () => {
  vi.stubEnv('NODE_ENV', 'production')
  shop = await Shop.start()
})
afterAll(() => shop?.stop())

async function loggedIn(port: number, user = 'ada'): Promise<SiteClient> {
  const client = new SiteClient(port)
  await client.post(`/login?user=${user}`)
  return client
}

const linesOf = (headers: IncomingHttpHeaders) => headers['set-cookie'] ?? []

describe.each([NGINX, HAPROXY, CADDY])('$name, as on the page', (kind) => {
  let proxy: Proxy
  beforeAll(async () => {
    proxy = await startProxy(kind, shop.ports)
  })
  afterAll(() => proxy?.stop())

  test('passes on Host and X-Forwarded-Proto, by HTTP/1.1', async () => {
    const { headers, httpVersion } = JSON.parse((await new SiteClient(proxy.port).get('/request')).text)
    expect({ host: headers.host, scheme: headers['x-forwarded-proto'], httpVersion }).toEqual({
      host: expect.stringMatching(/^shop\.example(:\d+)?$/),
      scheme: 'https',
      httpVersion: '1.1',
    })
  })

  test('replaces what a client says in X-Forwarded-Proto', async () => {
    const said = { 'x-forwarded-proto': 'http' }
    const { headers } = JSON.parse((await new SiteClient(proxy.port).get('/request', said)).text)
    expect(headers['x-forwarded-proto']).toBe('https')
  })

  test('a login sets exactly one cookie, with Secure and the prefix', async () => {
    const { headers } = await new SiteClient(proxy.port).post('/login?user=ada')
    expect(linesOf(headers)).toEqual([
      expect.stringMatching(/^__Host-sess=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ])
  })

  test('a session lives until the logout, whichever process is asked', async () => {
    const client = await loggedIn(proxy.port)
    const seen = []
    for (let request = 0; request < 4; request++) seen.push((await client.get('/')).text)
    await client.post('/logout')
    expect([...seen, (await client.get('/')).text]).toEqual(['ada', 'ada', 'ada', 'ada', 'nobody'])
  })

  test('users who share a connection to the application do not share a session', async () => {
    shop.users.clear()
    const names = Array.from({ length: 8 }, (_, number) => `user${number}`)
    const clients = await Promise.all(names.map((name) => loggedIn(proxy.port, name)))
    const isShared = () => [...shop.users.values()].some((users) => users.size > 1)
    for (let round = 0; round < 10 || (!isShared() && round < 100); round++) {
      const seen = await Promise.all(clients.map((client) => client.get('/')))
      expect(seen.map(({ text }) => text)).toEqual(names)
    }
    expect(isShared()).toBe(true)
  })

  test('by HTTP/2, a session is found among cookies in several headers', async () => {
    const { cookie } = await loggedIn(proxy.port)
    expect(await getByHttp2(proxy.port, '/', ['theme=dark', cookie, 'language=en'])).toBe('ada')
  })

  test('of two cookies with the name, the one that is valid counts', async () => {
    const { cookie } = await loggedIn(proxy.port)
    const client = new SiteClient(proxy.port)
    const invalid = '__Host-sess=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    expect((await client.get('/', { cookie: `${invalid}; ${cookie}` })).text).toBe('ada')
    expect((await client.get('/', { cookie: `${cookie}; ${invalid}` })).text).toBe('ada')
  })

  test.each([
    ['409', '/conflict', '409 Conflict\n'],
    ['503', '/down', '503 Service Unavailable\n'],
  ])('a failure is passed on with its body, for no cache: %s', async (status, path, body) => {
    const client = await loggedIn(proxy.port)
    const { status: seen, headers, text } = await client.post(path)
    expect({ status: String(seen), cache: headers['cache-control'], text }).toEqual({
      status,
      cache: 'no-store',
      text: body,
    })
  })

  test('an event arrives while the stream goes on, and the application notices that the client has left', async () => {
    const client = await loggedIn(proxy.port)
    const response = await client.begin('GET', `/events?unbuffered&ms=${PATIENCE}`)
    const [event] = await once(response.setEncoding('utf8'), 'data')
    expect({ event, streams: shop.streams }).toEqual({ event: 'data: ada\n\n', streams: 1 })
    response.destroy()
    await expect.poll(() => shop.streams, { timeout: PATIENCE / 2 }).toBe(0)
  })

  test('a WebSocket knows the user and the host', async () => {
    const { cookie } = await loggedIn(proxy.port)
    const headers = { cookie, host: HOST }
    const socket = new WebSocket(`wss://127.0.0.1:${proxy.port}/socket`, { ...TRUST, headers })
    onTestFinished(() => socket.terminate())
    expect(String((await once(socket, 'message'))[0])).toMatch(/^ada at shop\.example(:\d+)?$/)
  })

  test('a session in a cookie may be as large as browsers accept', async () => {
    const client = await loggedIn(proxy.port)
    const { status, headers } = await client.post(`/large?bytes=${LARGEST}`)
    expect([status, linesOf(headers)[0]?.length]).toEqual([200, expect.closeTo(4050, -2)])
    expect((await client.get('/large')).text).toBe(String(LARGEST))
  })

  test('cookies of 12 kB are passed on', async () => {
    const { cookie } = await loggedIn(proxy.port)
    const client = new SiteClient(proxy.port)
    expect((await client.get('/', { cookie: `other=${'x'.repeat(12_000)}; ${cookie}` })).text).toBe('ada')
  })

  // The last one: nginx asks that process nothing more for 10 seconds.
  test('a POST that a process does not answer is a 502, and is not repeated', async () => {
    shop.asked.length = 0
    const { status } = await new SiteClient(proxy.port).post('/dropped')
    expect([status, shop.asked]).toEqual([502, ['POST /dropped']])
  })
})

describe('nginx', () => {
  /** Starts it with the page's configuration, in which some text is replaced. */
  async function changed(before: string, after: string): Promise<Proxy> {
    const proxy = await startProxy(NGINX, shop.ports, (settings) => replaced(settings, [[before, after]]))
    onTestFinished(() => proxy.stop())
    return proxy
  }

  test('answers 502 to a large session in a cookie with its default buffers, and logs why', async () => {
    const proxy = await changed('  proxy_buffer_size 8k;\n  proxy_buffers 8 8k;\n', '')
    const { status } = await new SiteClient(proxy.port).post(`/large?bytes=${LARGEST}`)
    expect(status).toBe(502)
    expect(proxy.log()).toContain(messageOf('upstream sent'))
  })

  test('answers 400 to cookies of 12 kB with its default buffers', async () => {
    const proxy = await changed('  large_client_header_buffers 4 16k;\n', '')
    const { status, text } = await new SiteClient(proxy.port).get('/', { cookie: `other=${'x'.repeat(12_000)}` })
    expect([status, text]).toEqual([400, expect.stringContaining(messageOf('Request Header'))])
  })

  /** Whether the answer begins while its event stream goes on. The stream has no X-Accel-Buffering. */
  async function beginsAtOnce({ port }: Proxy, ms: number): Promise<boolean> {
    const response = await new SiteClient(port).begin('GET', `/events?ms=${ms}`)
    const { streams } = shop
    response.destroy()
    await expect.poll(() => shop.streams, { timeout: PATIENCE / 2 }).toBe(0)
    return response.statusCode === 200 && streams > 0
  }

  test('holds events back where the response does not have X-Accel-Buffering: no', async () => {
    const proxy = await startProxy(NGINX, shop.ports)
    onTestFinished(() => proxy.stop())
    expect(await beginsAtOnce(proxy, 500)).toBe(false)
  })

  test('passes them on with proxy_buffering off', async () => {
    const proxy = await changed('location / {', 'location / {\n    proxy_buffering off;')
    expect(await beginsAtOnce(proxy, PATIENCE)).toBe(true)
  })

  test.each([
    ['repeats a GET that a process does not answer', 'GET', '', 2],
    ['does not repeat a POST', 'POST', '', 1],
    ['repeats a POST with non_idempotent', 'POST', 'proxy_next_upstream error non_idempotent;', 2],
  ] as const)('%s', async (_, method, setting, times) => {
    const proxy = await changed('location / {', `location / {\n    ${setting}`)
    shop.asked.length = 0
    await new SiteClient(proxy.port).begin(method, '/dropped')
    expect(shop.asked).toEqual(Array(times).fill(`${method} /dropped`))
  })

  test('serves a path of its own', async () => {
    const location = blockOf('nginx', 'location')
    const proxy = await changed('  location / {\n    proxy_pass http://shop;\n  }\n', location)
    const client = new SiteClient(proxy.port)
    await client.post('/shop/login?user=ada')
    expect([(await client.get('/shop/')).text, (await client.get('/')).status]).toEqual(['ada', 404])
  })

  describe('with the cache of the page', () => {
    let proxy: Proxy
    beforeAll(async () => {
      const cache = blockOf('nginx', 'cache.conf')
      proxy = await startProxy(
        NGINX,
        shop.ports,
        (settings, { folder }) => replaced(cache, [['/var/cache/nginx/shop', `${folder}/cache`]]) + settings,
      )
    })
    afterAll(() => proxy?.stop())

    async function seenBy(client: SiteClient, path: string): Promise<string> {
      const { text, headers } = await client.get(path)
      return `${text}, ${String(headers['x-cache'])}`
    }

    test('a public page of strangers is cached', async () => {
      const seen = [
        await seenBy(new SiteClient(proxy.port), '/public'),
        await seenBy(new SiteClient(proxy.port), '/public'),
      ]
      expect(seen).toEqual(['nobody, MISS', 'nobody, HIT'])
    })

    test('a page that uses a session is never cached if it says how long it may be', async () => {
      const [ada, grace] = [await loggedIn(proxy.port), await loggedIn(proxy.port, 'grace')]
      const seen = [await seenBy(ada, '/public'), await seenBy(ada, '/public'), await seenBy(grace, '/public')]
      expect(seen).toEqual(['ada, MISS', 'ada, MISS', 'grace, MISS'])
    })

    test('a page that says nothing of caches is cached for its user alone', async () => {
      const [ada, grace] = [await loggedIn(proxy.port), await loggedIn(proxy.port, 'grace')]
      const clients = [ada, ada, grace, grace, new SiteClient(proxy.port)]
      const seen = []
      for (const client of clients) seen.push(await seenBy(client, '/silent'))
      expect(seen).toEqual(['ada, MISS', 'ada, HIT', 'grace, MISS', 'grace, HIT', 'nobody, MISS'])
    })

    test('a page that begins a session is never cached', async () => {
      const [one, other] = [new SiteClient(proxy.port), new SiteClient(proxy.port)]
      expect([await seenBy(one, '/begin'), await seenBy(other, '/begin')]).toEqual(['begun, MISS', 'begun, MISS'])
      expect(one.cookie).not.toBe(other.cookie)
    })
  })
})

test.each([
  ['HAProxy does not repeat a POST', HAPROXY, '', '', 1],
  ['HAProxy repeats it with retry-on', HAPROXY, 'balance roundrobin', 'retry-on all-retryable-errors', 4],
  [
    'HAProxy does not repeat it with disable-l7-retry',
    HAPROXY,
    'balance roundrobin',
    'retry-on all-retryable-errors\n  http-request disable-l7-retry unless METH_GET',
    1,
  ],
  ['Caddy does not repeat it with lb_try_duration', CADDY, '\n}', ' {\n\t\tlb_try_duration 1s\n\t}\n}', 1],
] as const)('%s', async (_, kind, before, after, times) => {
  const proxy = await startProxy(kind, shop.ports, (settings) => replaced(settings, [[before, after]]))
  onTestFinished(() => proxy.stop())
  shop.asked.length = 0
  await new SiteClient(proxy.port).post('/dropped')
  expect(shop.asked).toEqual(Array(times).fill('POST /dropped'))
})

test.each([
  ['HAProxy, of a request,', HAPROXY, '/', 15_500, 400],
  ['HAProxy, of a response,', HAPROXY, '/long', 0, 502],
  ['Node behind Caddy, of a request,', CADDY, '/', 17_000, 431],
] as const)('%s refuses headers that are too long', async (_, kind, path, bytes, status) => {
  const proxy = await startProxy(kind, shop.ports)
  onTestFinished(() => proxy.stop())
  const answer = await new SiteClient(proxy.port).get(path, { cookie: `other=${'x'.repeat(bytes)}` })
  expect(answer.status).toBe(status)
})

describe('what the proxy passes on', () => {
  const HOST_PASSED = 'proxy_set_header Host $host;'
  const HTTP_1_1 = 'proxy_http_version 1.1;'
  const PRODUCTION = { NODE_ENV: 'production' }
  const HTTPS = { cookie: /^__Host-sess=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/, warnings: [] }
  const WARNED = { ...HTTPS, warnings: ['SESS_PLAIN_HTTP'] }
  const OF_DOMAIN = /^__Secure-sess=[^;]+; Domain=shop.example; Path=\/; HttpOnly; Secure; SameSite=Lax$/

  const CASES = [
    ['Host and X-Forwarded-Proto', `${HOST_PASSED} proxy_set_header X-Forwarded-Proto https;`, {}, HTTPS],
    ['X-Forwarded-Proto alone', `${HTTP_1_1} proxy_set_header X-Forwarded-Proto https;`, {}, HTTPS],
    ['Forwarded alone', `${HTTP_1_1} proxy_set_header Forwarded proto=https;`, {}, HTTPS],
    ['X-Forwarded-For alone', `${HTTP_1_1} proxy_set_header X-Forwarded-For $remote_addr;`, {}, HTTPS],
    ['X-Forwarded-Proto: http', `${HOST_PASSED} proxy_set_header X-Forwarded-Proto http;`, {}, WARNED],
    ['Host alone', `${HTTP_1_1} ${HOST_PASSED}`, {}, WARNED],
    ['nothing, by HTTP/1.0', '', {}, WARNED],
    ['nothing, by HTTP/1.1, in production', HTTP_1_1, PRODUCTION, WARNED],
    ['nothing, by HTTP/1.1', HTTP_1_1, {}, { cookie: /^sess=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/, warnings: [] }],
    [
      'nothing, and the cookie has a domain',
      '',
      { DOMAIN: HOST },
      { cookie: OF_DOMAIN, warnings: ['SESS_PLAIN_HTTP', 'SESS_COOKIE_DOMAIN'] },
    ],
    [
      'Host and X-Forwarded-Proto, and the cookie has a domain',
      `${HOST_PASSED} proxy_set_header X-Forwarded-Proto https;`,
      { DOMAIN: HOST },
      { cookie: OF_DOMAIN, warnings: [] },
    ],
  ] as const

  const programs: PageProgram[] = []
  let proxy: Proxy

  beforeAll(async () => {
    const at = workspace(new Installation())
    const { 'server.mjs': program = '' } = new Document('README.md').files
    const domain = [['SESSION_SECRET }', 'SESSION_SECRET, cookie: { domain: process.env.DOMAIN } }']] as const
    at.write({ 'server.mjs': replaced(program, domain) })
    const starting = CASES.map(([, , env]) =>
      PageProgram.start(at, 'server.mjs', { SESSION_SECRET: 'x'.repeat(32), ...env }),
    )
    programs.push(...(await Promise.all(starting)))
    at.remove()
    const locations = CASES.map(
      ([, settings], index) => `location = /${index} { proxy_pass ${programs[index]?.origin}/; ${settings} }`,
    )
    const settings = ({ port, certificate, privateKey }: Place) => `server {
      listen 127.0.0.1:${port} ssl;
      ssl_certificate ${certificate};
      ssl_certificate_key ${privateKey};
      ${locations.join('\n')}
    }`
    proxy = await startNginx({ settings, certificate: CERTIFICATE, privateKey: PRIVATE_KEY })
  }, 60_000)
  afterAll(async () => {
    await proxy?.stop()
    await Promise.all(programs.map((program) => program.stop()))
  })

  test.each(CASES.map(([passedOn, , , expected], index) => [passedOn, index, expected] as const))(
    'decides the cookie and the warnings: %s',
    async (_, index, { cookie, warnings }) => {
      const client = new SiteClient(proxy.port)
      const { headers } = await client.get(`/${index}`)
      expect(linesOf(headers)).toEqual([expect.stringMatching(cookie)])
      expect((await client.get(`/${index}`)).text).toBe('Visit number 2\n')
      await programs[index]?.stop()
      const printed = [...(programs[index]?.output ?? '').matchAll(/\[(SESS_\w+)\]/g)].map(([, code]) => code)
      expect(printed).toEqual(warnings)
    },
  )
})
