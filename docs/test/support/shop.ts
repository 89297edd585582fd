import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import cookieStore from '@sess/adapter-cookie'
import memory from '@sess/adapter-memory'
import redis from '@sess/adapter-redis'
import { type CookieOptions, SessError, sessions } from '@sess/core'
import { WebSocketServer } from 'ws'
import { listen } from '../../../packages/core/test/support/served.ts'

const secret = 'a secret of the tests, of 32 bytes or more'
/** Nothing listens there. */
const NO_REDIS = 'redis://127.0.0.1:1'
/** Milliseconds between two signs of life of an event stream. */
const SIGN_MS = 50
interface Visitor {
  user: string
  count: number
  text: string
}

const open = (cookie: CookieOptions) =>
  sessions<Visitor>(memory, { secret, cookie, scope: 'shop', onError: () => undefined })

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
) => Promise<ServerResponse | void>

/** An application that a proxy passes requests on to. It listens on two ports, as two processes with one store would. */
export class Shop {
  readonly ports: readonly number[]
  /** The requests that came, such as `POST /login`. */
  readonly asked: string[] = []
  /** The users that each connection has served, by the proxy's port. */
  readonly users = new Map<number, Set<string>>()
  /** How many event streams are open. */
  streams = 0

  readonly #servers: readonly Server[]
  readonly #sockets = new WebSocketServer({ noServer: true })
  readonly #sess = open({})
  readonly #ofDomain = open({ name: 'domain', domain: 'shop.example' })
  readonly #ofPath = open({ name: 'path', path: '/shop' })
  readonly #inCookie = sessions<Visitor>(cookieStore, { secret, cookie: { name: 'large' } })
  readonly #down = sessions<Visitor>(redis, {
    secret,
    url: NO_REDIS,
    cookie: { name: 'down' },
    onError: () => undefined,
  })

  /** What a browser asks for: a page that shows the user of each kind of cookie, and its form. */
  readonly #pages: Readonly<Record<string, Handler>> = {
    GET: async (request, response) => {
      const all = await Promise.all(this.#ofBrowser.map((sess) => sess.open(request, response)))
      const users = all.map(({ user = 'nobody' }) => `<li>${user}</li>`)
      response.setHeader('content-type', 'text/html')
      response.end(`<ul>${users.join('')}</ul><form method="post"><button>Log in</button></form>`)
    },
    POST: async (request, response) => {
      for (const sess of this.#ofBrowser) {
        const session = await sess.open(request, response)
        session.regenerate()
        session.user = 'ada'
      }
      response.writeHead(303, { location: 'page' }).end()
    },
  }

  readonly #routes: Readonly<Record<string, Handler>> = {
    'GET /': async (request, response) => {
      const { user = 'nobody' } = await this.#sess.open(request, response)
      const port = request.socket.remotePort ?? 0
      this.users.set(port, (this.users.get(port) ?? new Set()).add(user))
      // Requests that are under way at once end in another order than they came.
      await sleep(this.asked.length % 5)
      response.end(user)
    },
    'POST /login': async (request, response, query) => {
      const session = await this.#sess.open(request, response)
      session.regenerate()
      session.user = query.get('user') ?? ''
      response.end('Welcome.')
    },
    'POST /logout': async (request, response) => {
      const session = await this.#sess.open(request, response)
      session.destroy()
      response.end('Bye.')
    },
    /** Two requests change the count from the same value. */
    'POST /conflict': async (request, response) => {
      const session = await this.#sess.open(request, response)
      const { count = 0 } = session
      const other = this.#sess.exchange(request)
      const theirs = await other.open()
      theirs.count = count + 10
      await other.commit(200)
      session.count = count + 1
      response.setHeader('cache-control', 'public, max-age=60').end('The count is stored.')
    },
    'POST /down': async (request, response) => {
      const session = await this.#down.open(request, response)
      session.count = 1
      response.setHeader('cache-control', 'public, max-age=60').end('The count is stored.')
    },
    'POST /dropped': async (request) => void request.socket.destroy(),
    'GET /dropped': async (request) => void request.socket.destroy(),
    /** Sets a cookie as long as browsers accept. */
    'POST /large': async (request, response, query) => {
      const session = await this.#inCookie.open(request, response)
      session.text = 'x'.repeat(Number(query.get('bytes')))
      response.end(String(session.text.length))
    },
    'GET /large': async (request, response) => {
      const { text = '' } = await this.#inCookie.open(request, response)
      response.end(String(text.length))
    },
    /** One event, then signs of life for `ms` milliseconds, or until the client has left. */
    'GET /events': async (request, response, query) => {
      const { user = 'nobody' } = await this.#sess.open(request, response)
      response.setHeader('content-type', 'text/event-stream').setHeader('cache-control', 'no-store')
      if (query.has('unbuffered')) response.setHeader('x-accel-buffering', 'no')
      response.write(`data: ${user}\n\n`)
      this.streams++
      const end = performance.now() + Number(query.get('ms'))
      while (!response.closed && performance.now() < end) {
        await sleep(SIGN_MS)
        response.write(': a sign of life\n\n')
      }
      this.streams--
      response.end()
    },
    'GET /request': async ({ headers, httpVersion }, response) =>
      response.end(JSON.stringify({ headers, httpVersion })),
    'GET /public': async (request, response) => {
      const { user = 'nobody' } = await this.#sess.open(request, response)
      response.setHeader('cache-control', 'public, max-age=60').end(user)
    },
    'GET /silent': async (request, response) => {
      const { user = 'nobody' } = await this.#sess.open(request, response)
      response.end(user)
    },
    'GET /long': async (_, response) => response.setHeader('x-long', 'x'.repeat(16_000)).end(),
    'GET /begin': async (request, response) => {
      const session = await this.#sess.open(request, response)
      session.count = 1
      response.setHeader('cache-control', 'public, max-age=60').end('begun')
    },
  }

  static async start(): Promise<Shop> {
    const servers = [createServer(), createServer()]
    return new Shop(servers, await Promise.all(servers.map((server) => listen(server))))
  }

  private constructor(servers: readonly Server[], ports: readonly number[]) {
    this.#servers = servers
    this.ports = ports
    for (const server of servers) {
      server.keepAliveTimeout = 130_000
      server.on('request', (request, response) => void this.#answer(request, response))
      server.on('upgrade', (request, stream, head) => void this.#upgrade(request, stream, head))
    }
  }

  get #ofBrowser() {
    return [this.#sess, this.#ofDomain, this.#ofPath]
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.close()
      server.closeAllConnections()
    }
    await Promise.all(
      [this.#sess, this.#ofDomain, this.#ofPath, this.#inCookie, this.#down].map((sess) => sess.close()),
    )
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://shop')
    const name = `${request.method} ${pathname}`
    this.asked.push(name)
    try {
      const pages = /^(?:\/shop)?\/page$/.test(pathname) ? this.#pages : {}
      const handle = this.#routes[name] ?? pages[request.method ?? '']
      if (handle === undefined) response.writeHead(404).end()
      else await handle(request, response, searchParams)
    } catch (error) {
      response.writeHead(error instanceof SessError ? error.status : 500, { 'cache-control': 'no-store' }).end()
    }
  }

  async #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const { user } = (await this.#sess.read(request)) ?? {}
    if (user === undefined) stream.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
    else
      this.#sockets.handleUpgrade(request, stream, head, (socket) => socket.send(`${user} at ${request.headers.host}`))
  }
}
