import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { type AnyData, type CoreOptions, type Session, sessions, type Sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { SECRET } from '../support/secret.ts'
import { TroubledStore } from '../support/troubled-store.ts'

const ORIGIN = 'http://127.0.0.1/'

interface Wrapped {
  readonly sess: Sessions
  readonly store: TroubledStore
  /** The errors that `onError` received. */
  readonly errors: readonly unknown[]
  /** Sends a request with this cookie to the handler. */
  readonly request: (cookie?: string) => Promise<Response>
}

/** An application whose handler opens the session first. */
function wrap(
  handler: (session: Session<AnyData>, request: Request) => Response | Promise<Response>,
  store: TroubledStore = new TroubledStore(),
  options: Partial<CoreOptions> = {},
): Wrapped {
  const errors: unknown[] = []
  const sess = sessions(store, { secret: SECRET, onError: (error) => errors.push(error), ...options })
  const fetch = sess.fetch(async (request) => handler(await sess.open(request), request))
  return { sess, store, errors, request: (cookie) => fetch(new Request(ORIGIN, cookie ? { headers: { cookie } } : {})) }
}

function down(): TroubledStore {
  const store = new TroubledStore()
  store.isDown = true
  return store
}

/** The `Cookie` header of a client that received this response. */
function cookieOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.replace(/;.*/, ''))
    .join('; ')
}

function write(session: Session<AnyData>): string {
  return JSON.stringify(session.update('visits', (count) => Number(count ?? 0) + 1))
}

function read(session: Session<AnyData>): string | undefined {
  return session['visits'] === undefined ? undefined : JSON.stringify(session['visits'])
}

/** The responses to a visitor without a session, and to one whose session is there, of a handler that reads it. */
async function readBy(response: () => Response): Promise<readonly [stranger: Response, visitor: Response]> {
  let isLogin = true
  const { request } = wrap((session) => {
    if (isLogin) return new Response(write(session))
    read(session)
    return response()
  })
  const cookie = cookieOf(await request())
  isLogin = false
  return [await request(), await request(cookie)]
}

describe('a response', () => {
  test('carries the cookie of a session that was stored, and the next request finds it', async () => {
    const { request } = wrap((session) => new Response(write(session)))
    const cookie = cookieOf(await request())
    expect(await (await request(cookie)).text()).toBe('2')
  })

  test('comes only when the session is stored', async () => {
    const store = new TroubledStore()
    store.stall()
    let hasCome = false
    const { request } = wrap((session) => new Response(write(session)), store)
    const response = request().finally(() => (hasCome = true))
    await store.reached
    expect(hasCome).toBe(false)
    store.release()
    expect((await response).status).toBe(200)
  })

  test('is the very one that the handler returned, where the session was not used', async () => {
    const response = new Response('body')
    expect(await wrap(() => response).request()).toBe(response)
  })

  test('is the very one that the handler returned, where no session was opened', async () => {
    const sess = sessions(new TroubledStore(), { secret: SECRET })
    const response = new Response('body')
    expect(await sess.fetch(() => response)(new Request(ORIGIN))).toBe(response)
  })

  test('is the very one that the handler returned, where the session was read and not stored', async () => {
    const response = new Response('body')
    const { request } = wrap((session) => {
      read(session)
      return response
    })
    expect(await request()).toBe(response)
  })

  test('is not inspected if no session was opened, nor is the request', async () => {
    const looked: string[] = []
    const watched = <T extends object>(of: T, what: string): T =>
      Object.defineProperty(of, 'headers', { get: () => looked.push(what) })
    const sess = sessions(new TroubledStore(), { secret: SECRET })
    const response = watched(new Response('body'), 'the response')
    await sess.fetch(() => response)(watched(new Request(ORIGIN), 'the request'))
    expect(looked).toEqual([])
  })

  test('keeps its status, its reason, its headers and its body', async () => {
    const { request } = wrap((session) => {
      write(session)
      return new Response('body', { status: 203, statusText: 'Second hand', headers: { 'x-one': 'a' } })
    })
    const response = await request()
    const seen = [response.status, response.statusText, response.headers.get('x-one'), await response.text()]
    expect(seen).toEqual([203, 'Second hand', 'a', 'body'])
  })

  test("keeps the handler's own cookies", async () => {
    const { request } = wrap((session) => {
      write(session)
      const headers = new Headers([
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ])
      return new Response('body', { headers })
    })
    expect(cookieOf(await request())).toMatch(/^a=1; b=2; sess=/)
  })

  test('varies by cookie where the session was read, and says nothing of caches', async () => {
    const { request } = wrap((session) => new Response(read(session), { headers: { vary: 'accept' } }))
    const { headers } = await request()
    expect([...headers].filter(([name]) => name !== 'content-type')).toEqual([['vary', 'accept, Cookie']])
  })

  test('is private where it carries a cookie', async () => {
    const { request } = wrap((session) => {
      write(session)
      return new Response('body', { headers: { 'cache-control': 'public, max-age=9, s-maxage=99' } })
    })
    expect((await request()).headers.get('cache-control')).toBe('private, max-age=9')
  })

  test('loses public where a session that there was has been read, and keeps it for a visitor without one', async () => {
    const headers = { 'cache-control': 'public, max-age=9, s-maxage=99' }
    const responses = await readBy(() => new Response('body', { headers }))
    expect(responses.map((response) => response.headers.get('cache-control'))).toEqual([
      'public, max-age=9, s-maxage=99',
      'private, max-age=9',
    ])
  })

  test('that is reused is private for the visitor whose session was read, and stays public for others', async () => {
    const shared = new Response(null, { status: 204, headers: { 'cache-control': 'public' } })
    const [stranger, visitor] = await readBy(() => shared)
    expect([stranger, shared, visitor].map(({ headers }) => headers.get('cache-control'))).toEqual([
      'public',
      'public',
      'private',
    ])
  })

  test('is the very one that the handler returned, where a session was read and it says nothing of caches', async () => {
    const response = new Response('body')
    const [, visitor] = await readBy(() => response)
    expect(visitor).toBe(response)
  })

  test.each([204, 205, 304])('of status %d, which has no body, carries the cookie', async (status) => {
    const { request } = wrap((session) => {
      write(session)
      return new Response(null, { status })
    })
    const response = await request()
    expect([response.status, response.body, cookieOf(response)]).toEqual([
      status,
      null,
      expect.stringMatching(/^sess=/),
    ])
  })

  test('whose headers are immutable varies by cookie where the session was read', async () => {
    const { request } = wrap((session) => Response.redirect(`http://127.0.0.1/${read(session) ?? ''}`, 303))
    const response = await request()
    expect([response.status, response.headers.get('vary')]).toEqual([303, 'Cookie'])
  })

  test('whose headers are immutable carries the cookie', async () => {
    const { request } = wrap((session) => {
      write(session)
      return Response.redirect('http://127.0.0.1/elsewhere', 303)
    })
    const response = await request()
    expect([response.status, response.headers.get('location'), cookieOf(response)]).toEqual([
      303,
      'http://127.0.0.1/elsewhere',
      expect.stringMatching(/^sess=/),
    ])
  })

  test('that cannot be copied, such as of an upgrade, carries the cookie itself', async () => {
    const upgrade = Object.defineProperty(new Response(null), 'status', { value: 101 })
    const { request } = wrap((session) => {
      write(session)
      return upgrade
    })
    const response = await request()
    expect([response === upgrade, cookieOf(response)]).toEqual([true, expect.stringMatching(/^sess=/)])
  })

  test('streams: its body is not read before it is asked for, and is given up by who asked', async () => {
    const events: string[] = []
    const body = new ReadableStream(
      {
        pull: (controller) => {
          events.push('pull')
          controller.enqueue(new TextEncoder().encode('piece'))
        },
        cancel: () => void events.push('cancel'),
      },
      { highWaterMark: 0 },
    )
    const { request } = wrap((session) => {
      write(session)
      return new Response(body)
    })
    const response = await request()
    events.push('response')
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    expect(events).toEqual(['response', 'pull', 'cancel'])
  })

  test("that is reused never carries one user's cookie to another user", async () => {
    const shared = new Response(null, { status: 204 })
    const { request } = wrap((session) => {
      write(session)
      return shared
    })
    const cookies = [cookieOf(await request()), cookieOf(await request())]
    expect(cookies.map((cookie) => cookie.split('; ').length)).toEqual([1, 1])
    expect(cookies[0]).not.toBe(cookies[1])
  })

  test('that serves two users is left as it was', async () => {
    const shared = new Response(null, { status: 204 })
    await wrap((session) => {
      write(session)
      return shared
    }).request()
    expect([...shared.headers]).toEqual([])
  })
})

describe.each([
  ['CDN-Cache-Control', 'max-age=60', 'no-store'],
  ['Example-CDN-Cache-Control', 'public, s-maxage=60', 'no-store'],
  ['Surrogate-Control', 'max-age=60', 'no-store'],
  ['Edge-Control', 'max-age=60', 'no-store'],
  ['X-Accel-Expires', '60', '0'],
])("the handler's own %s: %s", (name, own, sent) => {
  test(`becomes ${sent} where a cookie is set`, async () => {
    const { request } = wrap((session) => new Response(write(session), { headers: { [name]: own } }))
    expect((await request()).headers.get(name)).toBe(sent)
  })

  test(`becomes ${sent} where a session that there was has been read, and stays for a visitor without one`, async () => {
    const responses = await readBy(() => new Response('body', { headers: { [name]: own } }))
    expect(responses.map(({ headers }) => headers.get(name))).toEqual([own, sent])
  })
})

describe('where the session cannot be stored', () => {
  test('the response is 503, with nothing that describes what the handler returned', async () => {
    const { request } = wrap((session) => {
      write(session)
      const lost = { 'set-cookie': 'own=1', etag: '"a"', 'content-language': 'en', 'cdn-cache-control': 'max-age=9' }
      return new Response('secret', { headers: lost })
    }, down())
    const response = await request()
    expect([response.status, await response.text(), [...response.headers]]).toEqual([
      503,
      '503 Service Unavailable\n',
      [
        ['cache-control', 'no-store'],
        ['content-type', 'text/plain; charset=utf-8'],
      ],
    ])
  })

  test("the response keeps other headers, such as those of Hono's cors()", async () => {
    const sess = sessions(down(), { secret: SECRET, onError: () => undefined })
    const app = new Hono()
    app.use(cors({ origin: 'https://app.example', credentials: true }))
    app.get('/', async (context) => {
      write(await sess.open(context.req.raw))
      context.header('X-Request-Id', '7')
      return context.text('body')
    })
    const headers = { Origin: 'https://app.example' }
    const response = await sess.fetch((request) => app.fetch(request))(new Request(ORIGIN, { headers }))
    expect([response.status, Object.fromEntries(response.headers)]).toEqual([
      503,
      {
        'access-control-allow-origin': 'https://app.example',
        'access-control-allow-credentials': 'true',
        vary: 'Origin',
        'x-request-id': '7',
        'cache-control': 'no-store',
        'content-type': 'text/plain; charset=utf-8',
      },
    ])
  })

  test('the body that the handler returned is given up', async () => {
    let isGivenUp = false
    const { request } = wrap((session) => {
      write(session)
      return new Response(new ReadableStream({ cancel: () => void (isGivenUp = true) }))
    }, down())
    await request()
    expect(isGivenUp).toBe(true)
  })

  test('it is 409 where another request changed what this one rests on', async () => {
    const { sess, request } = wrap(async (session, original) => {
      const seen = read(session)
      if (seen !== undefined) {
        const other = sess.exchange(original.headers.get('cookie'), { https: false })
        write(await other.open())
        await other.commit(200)
      }
      session['visits'] = Number(seen ?? 0) + 1
      return new Response('body')
    })
    const response = await request(cookieOf(await request()))
    expect([response.status, await response.text()]).toEqual([409, '409 Conflict\n'])
  })

  test('onError receives the reason, once', async () => {
    const { request, errors } = wrap((session) => {
      write(session)
      return new Response('body')
    }, down())
    await request()
    expect(errors).toMatchObject([{ code: 'UNAVAILABLE' }])
  })

  test('a result that is not a Response becomes 500, and onError receives the error', async () => {
    const sess = sessions(new TroubledStore(), { secret: SECRET, onError: (error) => errors.push(error) })
    const errors: unknown[] = []
    const handler = () => Reflect.get({}, 'nothing')
    expect((await sess.fetch(handler)(new Request(ORIGIN))).status).toBe(500)
    expect(errors).toMatchObject([expect.any(TypeError)])
  })
})

describe('a framework that hands on another Request of the same request', () => {
  const another = (request: Request) => new Request(request.url, { headers: request.headers })

  test('is told how to open the session', async () => {
    const sess = sessions(new TroubledStore(), { secret: SECRET })
    const handle = sess.fetch(async (request) => {
      const { code, message } = await failureOf(sess.open(another(request)))
      return new Response(`${code} ${message}`)
    })
    const told = await (await handle(new Request(ORIGIN, { method: 'POST', body: 'a=1' }))).text()
    expect(told).toMatch(/^INVALID_REQUEST .*\{ session: \(\) => sess\.open\(request\) \}/)
  })

  test('opens the session by a function that came with the request', async () => {
    const sess = sessions(new TroubledStore(), { secret: SECRET })
    const framework = async (_request: Request, context: { session: () => Promise<Session<AnyData>> }) => {
      const session = await context.session()
      session['user'] = 7
      return new Response('body')
    }
    const handle = sess.fetch(async (request) =>
      framework(another(request), { session: async () => sess.open(request) }),
    )
    expect(cookieOf(await handle(new Request(ORIGIN, { method: 'POST', body: 'a=1' })))).toMatch(/^sess=/)
  })
})

describe('a handler that throws', () => {
  test('has stored nothing, and its error is thrown on', async () => {
    const { request, store } = wrap((session) => {
      write(session)
      throw new Error('of the application')
    })
    await expect(request()).rejects.toThrow('of the application')
    expect(store.methods).toEqual([])
  })

  /** Logs in, then sends the cookie to a handler that logs out and throws. */
  const logout = async (store: TroubledStore) => {
    const wrapped = wrap((session) => {
      if (read(session) === undefined) return new Response(write(session))
      session.destroy()
      throw new Error('of the application')
    }, store)
    return { ...wrapped, cookie: cookieOf(await wrapped.request()) }
  }

  test('has logged out all the same', async () => {
    const store = new TroubledStore()
    const { request, cookie } = await logout(store)
    await expect(request(cookie)).rejects.toThrow('of the application')
    expect(await store.drain()).toBe(0)
  })

  test('throws its own error if it cannot log out, and onError receives the other', async () => {
    const store = new TroubledStore()
    const { request, cookie, errors } = await logout(store)
    store.isDown = true
    await expect(request(cookie)).rejects.toThrow('of the application')
    expect(errors).toMatchObject([{ code: 'UNAVAILABLE' }])
  })

  test('throws before it returns a promise, and is no different', async () => {
    const sess = sessions(new TroubledStore(), { secret: SECRET })
    const handler = (): Response => {
      throw new Error('of the application')
    }
    await expect(sess.fetch(handler)(new Request(ORIGIN))).rejects.toThrow('of the application')
  })
})

test.each([500, 503, 599])('a response of status %d stores nothing', async (status) => {
  const { request, store } = wrap((session) => {
    write(session)
    return new Response('sorry', { status })
  })
  const response = await request()
  expect([response.status, cookieOf(response), store.methods]).toEqual([status, '', []])
})

test('a response of status 500 logs out all the same', async () => {
  const store = new TroubledStore()
  const { request } = wrap((session) => {
    if (read(session) === undefined) return new Response(write(session))
    session.destroy()
    return new Response('sorry', { status: 500 })
  }, store)
  const response = await request(cookieOf(await request()))
  expect([response.headers.getSetCookie(), await store.drain()]).toEqual([
    [expect.stringMatching(/^sess=; Max-Age=0/)],
    0,
  ])
})

describe('sealing', () => {
  test('a change after the handler returned throws SEALED', async () => {
    let late: Session<AnyData> | undefined
    const { request } = wrap((session) => {
      late = session
      return new Response('body')
    })
    await request()
    expect(() => Object.assign(late ?? {}, { visits: 1 })).toThrow(expect.objectContaining({ code: 'SEALED' }))
  })

  test('a change in the stream of the body throws SEALED', async () => {
    const { request } = wrap((session) => {
      const pull = () => void write(session)
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }))
    })
    await expect((await request()).text()).rejects.toMatchObject({ code: 'SEALED' })
  })
})

describe('wrapping', () => {
  test('hands on what else the runtime gives', async () => {
    const sess = sessions(new TroubledStore(), { secret: SECRET })
    const fetch = sess.fetch((_request, env: { name: string }, port: number) => new Response(`${env.name} ${port}`))
    expect(await (await fetch(new Request(ORIGIN), { name: 'env' }, 8080)).text()).toBe('env 8080')
  })

  test('twice by the same sessions stores once, and sets one cookie', async () => {
    const store = new TroubledStore()
    const sess = sessions(store, { secret: SECRET })
    const inner = sess.fetch(async (request) => new Response(write(await sess.open(request))))
    const response = await sess.fetch(inner)(new Request(ORIGIN))
    expect([store.methods, response.headers.getSetCookie().length]).toEqual([['create'], 1])
  })

  test('by two sessions sets both cookies', async () => {
    const [one, two] = ['one', 'two'].map((name) => sessions(new TroubledStore(), { secret: SECRET, cookie: { name } }))
    if (one === undefined || two === undefined) throw new Error('expected two')
    const inner = two.fetch(async (request) => {
      write(await one.open(request))
      write(await two.open(request))
      return new Response('body')
    })
    expect(cookieOf(await one.fetch(inner)(new Request(ORIGIN)))).toMatch(/^two=.*; one=/)
  })

  test('keeps the sessions of requests at the same time apart', async () => {
    const { request } = wrap((session) => new Response(write(session)))
    const cookies = await Promise.all(Array.from({ length: 9 }, async () => cookieOf(await request())))
    expect(new Set(cookies).size).toBe(9)
  })

  test('opens one session, however often the request asks', async () => {
    const { sess, request } = wrap(async (session, original) => {
      const again = await sess.open(original)
      return new Response(String(again === session))
    })
    expect(await (await request()).text()).toBe('true')
  })
})

test('over https the cookie has the prefix and Secure', async () => {
  const { sess } = wrap(() => new Response())
  const fetch = sess.fetch(async (request) => new Response(write(await sess.open(request))))
  const response = await fetch(new Request('https://example.com/'))
  expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-sess=.*; Secure/)])
})

test('an open that fails is the handler’s to answer', async () => {
  const { sess } = wrap(() => new Response())
  await sess.close()
  const fetch = sess.fetch(async (request) => {
    const failure = await failureOf(sess.open(request))
    return new Response(failure.code)
  })
  expect(await (await fetch(new Request(ORIGIN))).text()).toBe('CLOSED')
})
