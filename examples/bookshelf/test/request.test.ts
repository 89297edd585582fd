import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { serve } from './bookshelf.js'
import { Browser } from './browser.js'

describe('a form', () => {
  it.each([
    [303, { 'sec-fetch-site': 'same-origin', origin: 'null' }],
    [303, { 'sec-fetch-site': 'none' }],
    [403, { 'sec-fetch-site': 'same-site' }],
    [403, { 'sec-fetch-site': 'cross-site' }],
    [403, { 'sec-fetch-site': '' }],
    [303, { origin: 'same' }],
    [403, { origin: 'https://other.example' }],
    [403, { origin: 'null' }],
    [403, { origin: 'http://127.0.0.1' }],
    [303, {}],
  ])('is answered with %i where it comes from %j', async (status, headers: Record<string, string>) => {
    const origin = await serve()
    const response = await fetch(`${origin}/cart/add`, {
      method: 'POST',
      body: new URLSearchParams({ book: 'souls' }),
      headers: headers['origin'] === 'same' ? { origin } : headers,
      redirect: 'manual',
    })
    expect([response.status, response.headers.has('set-cookie')]).toEqual([status, status === 303])
  })

  it('of another type is 415', async () => {
    const origin = await serve()
    expect((await fetch(`${origin}/login`, { method: 'POST', body: '{}' })).status).toBe(415)
  })

  it('over the limit is 413, whether its length is announced or not', async () => {
    const origin = await serve()
    const body = `name=${'x'.repeat(200_000)}`
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const announced = await fetch(`${origin}/login`, { method: 'POST', body, headers })
    const streamed = request(`${origin}/login`, { method: 'POST', headers })
    streamed.write(body)
    streamed.end(body)
    const [response] = await once(streamed, 'response')
    response.resume()
    expect([announced.status, response.statusCode]).toEqual([413, 413])
  })

  it.each(['', '%', 'name=%ff%00&password=%', '&&==&', 'name=a&name=b', '\0'])(
    'of rubbish (%j) is no login',
    async (body) => {
      const origin = await serve()
      const headers = { 'content-type': 'application/x-www-form-urlencoded;charset=x' }
      const response = await fetch(`${origin}/login`, { method: 'POST', body, headers, redirect: 'manual' })
      expect([response.status, response.headers.get('location')]).toEqual([303, '/login'])
    },
  )
})

describe('a request', () => {
  it.each(['/nothing', '/admin/nothing', '/adminx', '/constructor', '/__proto__', '/..%2f', '/CART'])(
    'for %s is 404',
    async (path) => {
      const response = await new Browser(await serve()).get(path)
      expect([response.status, response.headers.get('set-cookie')]).toEqual([404, null])
      expect(await response.text()).toContain('<h1>Error 404</h1>')
    },
  )

  it.each([
    ['POST', '/', 'GET, HEAD'],
    ['GET', '/logout', 'POST'],
    ['PUT', '/login', 'GET, HEAD, POST'],
    ['OPTIONS', '/admin', 'GET, HEAD'],
    ['DELETE', '/admin/notice', 'POST'],
  ])('%s %s is 405, and told what is allowed', async (method, path, allow) => {
    const response = await new Browser(await serve()).get(path, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
  })

  it('for a page with a query or a slash at its end gets the page', async () => {
    const browser = new Browser(await serve())
    expect((await browser.page('/?a=b')).visits).toBe(1)
    expect((await browser.page('/admin/?')).text).toContain('<h1>Admin</h1>')
  })

  it('HEAD gets the head alone', async () => {
    const response = await new Browser(await serve()).get('/', { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it.each([
    ['nonsense', '\0\x01\x02 nonsense\r\n\r\n'],
    ['another protocol', 'EHLO example.com\r\n\r\n'],
    ['an absolute target', 'GET http://localhost/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
    ['an odd target', 'GET //%zz\\?#\x7f HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
    ['no target', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
    ['a tunnel', 'CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['an upgrade', 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n'],
    [
      'many cookies',
      `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: ${'sess=x; '.repeat(1000)}\r\n\r\n`,
    ],
    [
      'half a body',
      'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nname',
    ],
    ['two lengths', 'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na'],
  ])('of rubbish (%s) leaves the server as it was', async (_name, bytes) => {
    const origin = await serve()
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.end(bytes)
    await text(socket).catch(() => '')
    expect((await new Browser(origin).page('/')).visits).toBe(1)
  })
})
