import { once } from 'node:events'
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { setImmediate as turn } from 'node:timers/promises'
import { type AnyData, type Session, sessions } from '@sess/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { stream } from '../support/answers.ts'
import { LOST } from '../support/application.ts'
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate.ts'
import { type Answer, HTTP2_ANSWERS } from '../support/http2-answers.ts'
import { type Http2Message, Http2Wire } from '../support/http2-wire.ts'
import { SECRET } from '../support/secret.ts'
import { listen } from '../support/served.ts'
import { Signal } from '../support/signal.ts'
import { TroubledStore } from '../support/troubled-store.ts'

type Use = (session: Session<AnyData>) => unknown
type Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => Promise<unknown>

interface Protocol {
  readonly name: string
  readonly scheme: string
  readonly cookie: string
  readonly server: () => Http2Server
}

const PROTOCOLS: readonly Protocol[] = [
  {
    name: 'http2 by TLS',
    scheme: 'https',
    cookie: '__Host-sess',
    server: () => createSecureServer({ key: PRIVATE_KEY, cert: CERTIFICATE }),
  },
  { name: 'http2 in the clear', scheme: 'http', cookie: 'sess', server: () => createServer() },
]

/** Serves this handler, and `/again` without it; connects to the server. */
async function connect(protocol: Protocol, handler: Handler): Promise<{ wire: Http2Wire; ended: Promise<unknown> }> {
  const server = protocol.server()
  const ended = new Signal()
  server.on('request', (req: Http2ServerRequest, res: Http2ServerResponse) => {
    if (req.url === '/again') res.end('again')
    else
      void handler(req, res)
        .catch(() => undefined)
        .finally(ended.fire)
  })
  const wire = new Http2Wire(`${protocol.scheme}://127.0.0.1:${await listen(server)}`)
  onTestFinished(() => void server.close())
  return { wire, ended: ended.happened }
}

const handle = (store: TroubledStore, use: Use, answer: Answer): Handler => {
  const sess = sessions(store, { secret: SECRET, onError: () => undefined })
  return async (req, res) => {
    use(await sess.open(req, res))
    await answer(res)
  }
}

const write: Use = (session) => session.update('visits', () => 1)
const read: Use = (session) => session['visits']

function without(message: Http2Message, ...names: readonly string[]): Http2Message {
  const headers = Object.fromEntries(Object.entries(message.headers).filter(([name]) => !names.includes(name)))
  return { ...message, headers }
}

describe.each(PROTOCOLS)('$name', (protocol) => {
  describe.each(HTTP2_ANSWERS)('$name', ({ answer, method = 'GET' }) => {
    const request = { ':method': method }
    const plain = async () => (await connect(protocol, async (_req, res) => answer(res))).wire.response(request)

    test('is the same where the opened session is not used', async () => {
      const { wire } = await connect(
        protocol,
        handle(new TroubledStore(), () => undefined, answer),
      )
      expect(await wire.response(request)).toEqual(await plain())
    })

    test('is the same but for Vary where the session is read', async () => {
      const { wire } = await connect(protocol, handle(new TroubledStore(), read, answer))
      const message = await wire.response(request)
      expect(message.headers['vary']).toBe('Cookie')
      expect(without(message, 'vary')).toEqual(await plain())
    })

    test('waits for a slow store', async () => {
      const store = new TroubledStore()
      store.stall()
      let hasCome = false
      const { wire } = await connect(protocol, handle(store, write, answer))
      const response = wire.response(request).finally(() => (hasCome = true))
      await store.reached
      for (let turns = 0; turns < 5; turns++) await turn()
      expect(hasCome).toBe(false)
      store.release()
      const message = await response
      expect(message.headers['set-cookie']).toEqual([expect.stringMatching(new RegExp(`^${protocol.cookie}=`))])
      expect(without(message, 'vary', 'set-cookie', 'cache-control')).toEqual(await plain())
    })

    test('becomes 503 where the store fails', async () => {
      const store = new TroubledStore()
      store.isDown = true
      const { wire } = await connect(protocol, handle(store, write, answer))
      const replaced = Object.entries((await plain()).headers)
      expect(await wire.response(request)).toEqual({
        headers: {
          ...Object.fromEntries(replaced.filter(([name]) => !LOST.test(name))),
          ':status': 503,
          'content-type': 'text/plain; charset=utf-8',
          'content-length': '24',
          'cache-control': 'no-store',
        },
        body: method === 'HEAD' ? '' : '503 Service Unavailable\n',
        trailers: {},
      })
      expect((await wire.response({ ':path': '/again' })).body).toBe('again')
    })

    test('lets its handler end where the store fails', async () => {
      const store = new TroubledStore()
      store.isDown = true
      const { wire, ended } = await connect(protocol, handle(store, write, answer))
      await wire.response(request)
      await expect(ended).resolves.toBeUndefined()
    })
  })

  test('is private where a session that there was has been read, and stays public for a visitor without one', async () => {
    const sess = sessions(new TroubledStore(), { secret: SECRET })
    const { wire } = await connect(protocol, async (req, res) => {
      const session = await sess.open(req, res)
      if (req.url === '/login') write(session)
      else read(session)
      res.writeHead(200, { 'cache-control': 'public, max-age=60', 'cdn-cache-control': 'max-age=60' }).end()
    })
    const login = await wire.response({ ':path': '/login' })
    const cookie = String(login.headers['set-cookie']).replace(/;.*/, '')
    const seen = [await wire.response(), await wire.response({ cookie })].map(({ headers }) => [
      headers['cache-control'],
      headers['cdn-cache-control'],
    ])
    expect(seen).toEqual([
      ['public, max-age=60', 'max-age=60'],
      ['private, max-age=60', 'no-store'],
    ])
  })

  /** The result of `look` for a held response. */
  const whileHeld = async (look: (response: Http2ServerResponse) => unknown) => {
    const store = new TroubledStore()
    store.stall()
    let seen: unknown
    const answer: Answer = (res) => {
      res.write('early')
      seen = look(res)
      store.release()
      if (!res.writableEnded) res.end()
    }
    const { wire } = await connect(protocol, handle(store, write, answer))
    await wire.response()
    return seen
  }

  test('headersSent is true, and writableEnded follows end, while a response is held', async () => {
    const seen = await whileHeld((res) => [res.headersSent, res.writableEnded, res.end() === res, res.writableEnded])
    expect(seen).toEqual([true, false, true, true])
  })

  const changes: [string, Answer][] = [
    ['setHeader', (res) => res.setHeader('x-late', 'a')],
    ['removeHeader', (res) => res.removeHeader('x-late')],
    ['appendHeader', (res) => res.appendHeader('x-late', 'a')],
    ['writeHead', (res) => res.writeHead(200)],
  ]
  test.each(changes)('%s throws as in Node while a response is held', async (_name, change) => {
    expect(await whileHeld((res) => codeOf(() => change(res)))).toBe('ERR_HTTP2_HEADERS_SENT')
  })

  test.each([100, 101, 600])('writeHead of status %d throws as in Node', async (status) => {
    let code: unknown
    const answer: Answer = (res) => {
      code = codeOf(() => res.writeHead(status))
      res.end()
    }
    const store = new TroubledStore()
    await (await connect(protocol, handle(store, write, answer))).wire.response()
    expect([code, store.methods]).toEqual(['ERR_HTTP2_STATUS_INVALID', ['create']])
  })

  test('early hints go out before the store has answered', async () => {
    const store = new TroubledStore()
    store.stall()
    const { wire } = await connect(
      protocol,
      handle(store, write, (res) => {
        res.writeEarlyHints({ link: '</style.css>; rel=preload' })
        res.end('body')
      }),
    )
    const { hints, response } = wire.hinted()
    expect((await hints)[':status']).toBe(103)
    store.release()
    expect((await response).body).toBe('body')
  })

  test.each([
    ['is stored', false, 1],
    ['causes no error where the store fails', true, 0],
  ])('a request that is given up while it is held %s', async (_name, isDown, rows) => {
    const store = new TroubledStore()
    store.stall()
    const failures: unknown[] = []
    const answer: Answer = async (res) => {
      res.on('error', (error) => failures.push(error))
      const closed = once(res, 'close')
      stream(9).pipe(res)
      await closed
      store.isDown = isDown
      store.release()
      for (let turns = 0; turns < 5; turns++) await turn()
    }
    const { wire, ended } = await connect(protocol, handle(store, write, answer))
    const giveUp = wire.begin()
    await store.reached
    giveUp()
    await ended
    expect([await store.drain(), failures]).toEqual([rows, []])
  })

  test('of two requests at the same time one can fail alone', async () => {
    const store = new TroubledStore()
    store.isDown = true
    const sess = sessions(store, { secret: SECRET, onError: () => undefined })
    const { wire } = await connect(protocol, async (req, res) => {
      const session = await sess.open(req, res)
      if (req.url === '/write') session['visits'] = 1
      res.end('body')
    })
    const responses = await Promise.all([wire.response({ ':path': '/write' }), wire.response({ ':path': '/read' })])
    expect(responses.map(({ headers }) => headers[':status'])).toEqual([503, 200])
  })
})

function codeOf(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return 'none'
}
