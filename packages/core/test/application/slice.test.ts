import { sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { HttpBrowser } from '../support/http-browser.js'
import { OTHER_SECRET, SECRET } from '../support/secret.js'
import { type Handler, Handling, serve } from '../support/served.js'

const COOKIE = /^sess=/

const serveAll = (handler: Handler<void>) => serve(new Handling(handler).listener)

describe('two slices that open a session in one request', () => {
  const slices = (store: string) => ({
    main: sessions(store, { secret: SECRET }),
    admin: sessions(store, { secret: SECRET }),
  })

  test.each(['memory', 'cookie'])('see one session and send one cookie, on the %s store', async (store) => {
    const { main, admin } = slices(store)
    const port = await serveAll(async (request, response) => {
      const first = await main.open(request, response)
      first['from main'] = 1
      const second = await admin.open(request, response)
      second['from admin'] = 2
      response.end(JSON.stringify(first))
    })
    const response = await fetch(`http://127.0.0.1:${port}`)
    expect(await response.json()).toEqual({ 'from main': 1, 'from admin': 2 })
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(COOKIE)])
  })

  test('find in the next request what both have stored', async () => {
    const { main, admin } = slices('memory')
    const port = await serveAll(async (request, response) => {
      const [first, second] = [await main.open(request, response), await admin.open(request, response)]
      first.update('main', (count) => Number(count ?? 0) + 1)
      second.update('admin', (count) => Number(count ?? 0) + 10)
      response.end(JSON.stringify({ ...first }))
    })
    const browser = new HttpBrowser(port)
    await browser.get('/')
    expect(JSON.parse((await browser.get('/')).body)).toEqual({ main: 2, admin: 20 })
  })

  test('share it through fetch, where one of them has wrapped the handler', async () => {
    const { main, admin } = slices('memory')
    const handle = main.fetch(async (request) => {
      const session = await admin.open(request)
      session['seen'] = true
      return new Response('ok')
    })
    const response = await handle(new Request('http://localhost/'))
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(COOKIE)])
  })
})

test.each([
  ['another secret', () => sessions('memory', { secret: OTHER_SECRET })],
  ['another cookie name', () => sessions('memory', { secret: SECRET, cookie: { name: 'other' } })],
  ['another scope of the store', () => sessions('memory', { secret: SECRET, scope: 'slice-test-other' })],
  ['another store', () => sessions('cookie', { secret: SECRET })],
])('a slice with %s has a session of its own in the same request', async (_difference, other) => {
  const [main, admin] = [sessions('memory', { secret: SECRET }), other()]
  const port = await serveAll(async (request, response) => {
    const first = await main.open(request, response)
    first['secret of main'] = 1
    const second = await admin.open(request, response)
    response.end(JSON.stringify(second))
  })
  const response = await fetch(`http://127.0.0.1:${port}`)
  expect(await response.json()).toEqual({})
})

describe('slices with different timeouts share a session', () => {
  const MINUTE = 60_000

  /** Visits one of the slices at a minute; resolves with the user that is left in the session. */
  const visits = (store: string) => {
    let now = Date.UTC(2030, 0, 1)
    const clock = () => now
    const slices = {
      main: sessions(store, { secret: SECRET, clock, idleTimeout: '24h' }),
      admin: sessions(store, { secret: SECRET, clock, idleTimeout: '15m' }),
    }
    let cookie = ''
    return async (minute: number, slice: 'main' | 'admin', user?: string) => {
      now = Date.UTC(2030, 0, 1) + minute * MINUTE
      const exchange = slices[slice].exchange(cookie)
      const session = await exchange.open()
      if (user !== undefined) session['user'] = user
      const left = session['user']
      for (const [name, value] of await exchange.commit(200))
        if (name === 'set-cookie') cookie = value.split(';')[0] ?? ''
      return left
    }
  }

  test.each(['memory', 'cookie'])('and the shorter does not end it for the other, on the %s store', async (store) => {
    const visit = visits(store)
    await visit(0, 'admin', 'ada')
    await visit(5, 'main')
    expect(await visit(30, 'main')).toBe('ada')
    await visit(31, 'main', 'ada again')
    expect(await visit(60 * 24, 'main')).toBe('ada again')
  })

  test.each(['memory', 'cookie'])('and the shorter ends it for its own slice, on the %s store', async (store) => {
    const visit = visits(store)
    await visit(0, 'main', 'ada')
    expect(await visit(14, 'admin')).toBe('ada')
    expect(await visit(28, 'admin')).toBe('ada')
    expect(await visit(44, 'admin')).toBeUndefined()
    expect(await visit(44, 'main')).toBe('ada')
  })
})
