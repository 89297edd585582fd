import { createServer as createHttp2Server } from 'node:http2'
import { type AnyData, type Session, type Sessions, sessions } from '@sess/core'
import type { ServerStore } from '@sess/core/adapter'
import { describe, expect, onTestFinished, test } from 'vitest'
import { beginOn } from '../support/arrival.ts'
import { Browser } from '../support/browser.ts'
import { FailingStore } from '../support/failing-store.ts'
import { Http2Wire } from '../support/http2-wire.ts'
import { SECRET } from '../support/secret.ts'
import { Handling, listen, serve } from '../support/served.ts'
import { failureOf } from '../../../../tests/support/stores.ts'

type Use = (...opened: Session<AnyData>[]) => Promise<unknown>
interface Answered {
  readonly status: number
  readonly cookies: readonly string[]
}
/** Answers a request with a handler that opens its session of each slice, and passes them to `use`. */
type Answer = (slices: readonly Sessions[], cookie: string, use: Use) => Promise<Answered>

/** A whole request, whose handler answers 200. */
const CARRIERS: readonly (readonly [name: string, answer: Answer])[] = [
  [
    'http1',
    async (slices, cookie, use) => {
      const handling = new Handling(async (req, res) => {
        const opened = []
        for (const sess of slices) opened.push(await sess.open(req, res))
        await use(...opened)
        res.setHeader('x-own', 'a').end('body')
      })
      const port = await serve(handling.listener)
      const response = await fetch(`http://127.0.0.1:${port}`, { headers: { cookie } })
      return { status: response.status, cookies: response.headers.getSetCookie() }
    },
  ],
  [
    'http2',
    async (slices, cookie, use) => {
      const server = createHttp2Server((req, res) => {
        void (async () => {
          const opened = []
          for (const sess of slices) opened.push(await sess.open(req, res))
          await use(...opened)
          res.end('body')
        })()
      })
      const port = await listen(server)
      onTestFinished(() => void server.close())
      const { headers } = await new Http2Wire(`http://127.0.0.1:${port}`).response({ cookie })
      const cookies = headers['set-cookie']
      return { status: Number(headers[':status']), cookies: Array.isArray(cookies) ? cookies : [] }
    },
  ],
  [
    'fetch',
    async (slices, cookie, use) => {
      const handler = async (request: Request) => {
        const opened = []
        for (const sess of slices) opened.push(await sess.open(request))
        await use(...opened)
        return new Response('body')
      }
      let handle: (request: Request) => Promise<Response> = handler
      for (const sess of slices) handle = sess.fetch(handle)
      const response = await handle(new Request('http://127.0.0.1/', { headers: { cookie } }))
      return { status: response.status, cookies: response.headers.getSetCookie() }
    },
  ],
]

/** A slice whose store can fail, and a browser that has a session there, with a cookie as over plain http. */
async function slice(name: string, data: object) {
  const store = new FailingStore()
  const server: ServerStore = store
  const sess: Sessions = sessions(server, { secret: SECRET, cookie: { name }, onError: () => undefined })
  const browser = new Browser(sess, { https: false })
  await browser.visit((session) => Object.assign(session, data))
  const see = async (cookies: readonly string[]) => {
    const pair = cookies.find((line) => line.startsWith(`${name}=`))?.split(';')[0] ?? browser.cookie
    return { ...(await sess.exchange(pair, { https: false }).open()) }
  }
  return { store, sess, browser, see }
}

describe.each(CARRIERS)('by %s, the cookie of what is stored', (_, answer) => {
  test('comes with the error, where a login was saved and a later change fails', async () => {
    const { store, sess, browser, see } = await slice('sess', { cart: 'book' })
    const { status, cookies } = await answer([sess], browser.cookie, async (session) => {
      session?.regenerate()
      Object.assign(session ?? {}, { user: 7 })
      await session?.save()
      Object.assign(session ?? {}, { theme: 'dark' })
      store.failing.add('update')
    })
    expect({ status, data: await see(cookies) }).toEqual({ status: 503, data: { cart: 'book', user: 7 } })
  })

  test('comes with the error, where a save that is not awaited has stored it', async () => {
    const { sess, browser, see } = await slice('sess', { cart: ['book'] })
    const { status, cookies } = await answer([sess], browser.cookie, async (session) => {
      const list: unknown[] = []
      session?.regenerate()
      void session?.save()
      Object.assign(session ?? {}, { list })
      list.push(new Date(0))
    })
    expect({ status, sent: cookies.length, data: await see(cookies) }).toEqual({
      status: 500,
      sent: 1,
      data: { cart: ['book'] },
    })
  })

  test.each<[string, number]>([
    ['first', 0],
    ['second', 1],
  ])('comes with the error, where of two slices the %s fails', async (_which, failing) => {
    const slices = [await slice('one', { cart: 'book' }), await slice('two', { cart: 'pen' })]
    const cookie = slices.map(({ browser }) => browser.cookie).join('; ')
    const { status, cookies } = await answer(
      slices.map(({ sess }) => sess),
      cookie,
      async (...opened) => {
        for (const session of opened) {
          session.regenerate()
          session['user'] = 7
          await session.save()
          session['theme'] = 'dark'
        }
        slices[failing]?.store.failing.add('update')
      },
    )
    const seen = await Promise.all(slices.map(({ see }) => see(cookies)))
    expect({
      status,
      names: cookies.map((line) => line.split('=')[0]).toSorted(compare),
      users: seen.map(({ user }) => user),
    }).toEqual({
      status: 503,
      names: ['one', 'two'],
      users: [7, 7],
    })
  })

  test('does not come with the error, where nothing was stored', async () => {
    const { store, sess, browser } = await slice('sess', { cart: 'book' })
    store.failing.add('update')
    const { status, cookies } = await answer([sess], browser.cookie, async (session) => session?.regenerate())
    expect({ status, cookies }).toEqual({ status: 503, cookies: [] })
  })
})

const compare = (one = '', other = '') => (one < other ? -1 : 1)

test('an exchange whose commit failed has the headers for the error', async () => {
  const { store, sess, browser } = await beginOn(new FailingStore(), { cart: 'book' })
  const exchange = sess.exchange(browser.cookie)
  const session = await exchange.open()
  session.regenerate()
  await session.save()
  session['theme'] = 'dark'
  store.failing.add('update')
  await failureOf(exchange.commit(200))
  expect(exchange.failureHeaders()).toEqual([
    ['set-cookie', expect.stringMatching(/^__Host-sess=/)],
    ['cache-control', 'no-store'],
  ])
})

test('an exchange whose commit failed, and that has stored nothing, has no cookie for the error', async () => {
  const { store, sess, browser } = await beginOn(new FailingStore(), { cart: 'book' })
  const exchange = sess.exchange(browser.cookie)
  Object.assign(await exchange.open(), { theme: 'dark' })
  store.failing.add('update')
  await failureOf(exchange.commit(200))
  expect(exchange.failureHeaders()).toEqual([['cache-control', 'no-store']])
})

describe('a fetch handler that throws after a login was saved', () => {
  const thrown = async (what: unknown, login = true) => {
    const errors: unknown[] = []
    const store = new FailingStore()
    const sess = sessions(store, { secret: SECRET, onError: (error) => errors.push(error) })
    const visitor = new Browser(sess, { https: false })
    await visitor.visit((session) => Object.assign(session, { cart: 'book' }))
    const outcome = await sess
      .fetch(async (request) => {
        const session = await sess.open(request)
        if (login) {
          session.regenerate()
          session['user'] = 7
          await session.save()
        }
        session['theme'] = 'dark'
        throw what
      })(new Request('http://127.0.0.1/', { headers: { cookie: visitor.cookie } }))
      .then(
        (returned) => ({ returned }),
        (error: unknown) => ({ error }),
      )
    const response =
      'returned' in outcome ? outcome.returned : outcome.error instanceof Response ? outcome.error : undefined
    const cookie = response?.headers.getSetCookie()[0]?.split(';')[0] ?? visitor.cookie
    return { outcome, response, errors, data: { ...(await sess.exchange(cookie, { https: false }).open()) } }
  }

  test('throws the redirect that it threw, with the cookie, and stores nothing more', async () => {
    const { outcome, response, data } = await thrown(Response.redirect('http://127.0.0.1/home', 303))
    expect(outcome).toHaveProperty('error')
    expect([response?.status, response?.headers.get('location'), data]).toEqual([
      303,
      'http://127.0.0.1/home',
      { cart: 'book', user: 7 },
    ])
  })

  test('answers an error with 500 and the cookie, and onError receives the error', async () => {
    const error = new Error('of the application')
    const { outcome, response, errors, data } = await thrown(error)
    expect(outcome).toHaveProperty('returned')
    expect([response?.status, errors, data]).toEqual([500, [error], { cart: 'book', user: 7 }])
  })

  test('throws its own error, where nothing was saved', async () => {
    const error = new Error('of the application')
    const { outcome, errors, data } = await thrown(error, false)
    expect([outcome, errors, data]).toEqual([{ error }, [], { cart: 'book' }])
  })

  test('throws its own redirect, where nothing was saved, and stores nothing', async () => {
    const { outcome, response, data } = await thrown(new Response(null, { status: 303 }), false)
    expect(outcome).toHaveProperty('error')
    expect([response?.status, data]).toEqual([303, { cart: 'book' }])
  })
})

test('a redirect that a fetch handler throws after a logout that fails is thrown as an error response', async () => {
  const { store, sess, browser } = await slice('sess', { user: 7 })
  const end = await sess
    .fetch(async (request) => {
      const session = await sess.open(request)
      session.destroy()
      store.failing.add('update')
      const thrown: unknown = Response.redirect('http://127.0.0.1/bye', 303)
      throw thrown
    })(new Request('http://127.0.0.1/', { headers: { cookie: browser.cookie } }))
    .catch((error: unknown) => error)
  expect(end).toHaveProperty('status', 503)
})
