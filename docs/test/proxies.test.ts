import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { Proxy } from '../../scripts/servers/site.js'
import { blockOf, CADDY, HAPROXY, NGINX, replaced, startProxy } from './support/proxies.ts'
import { Shop } from './support/shop.ts'
import { getByHttp2, HOST, SiteClient, TRUST } from './support/site-client.ts'

/** The bytes of the largest text that the session of a cookie holds, which makes a line of more than 4000 characters. */
const LARGEST = 2890

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

const linesOf = (headers: { 'set-cookie'?: string[] }) => headers['set-cookie'] ?? []

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
    expect({ status: String(seen), cache: headers['cache-control'], text }).toEqual({ status, cache: 'no-store', text: body })
  })

  test('an event arrives while the stream goes on', async () => {
    const client = await loggedIn(proxy.port)
    const response = await client.begin('GET', '/events')
    const [event] = await once(response.setEncoding('utf8'), 'data')
    expect({ event, streams: shop.streams }).toEqual({ event: 'data: ada\n\n', streams: 1 })
    await once(response, 'end')
  })

  test('a WebSocket knows the user and the host', async () => {
    const { cookie } = await loggedIn(proxy.port)
    const headers = { cookie, host: HOST }
    const socket = new WebSocket(`wss://127.0.0.1:${proxy.port}/socket`, { ...TRUST, headers })
    onTestFinished(() => socket.terminate())
    await once(socket, 'open')
    socket.send('hello')
    expect(String((await once(socket, 'message'))[0])).toMatch(/^ada at shop\.example(:\d+)?: hello$/)
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

  test('a POST that a process does not answer is a 502, and is not repeated', async () => {
    shop.asked.length = 0
    const { status } = await new SiteClient(proxy.port).post('/dropped')
    expect([status, shop.asked]).toEqual([502, ['POST /dropped']])
  })
})
