import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { comesTrue } from '../../tests/support/condition.ts'
import { Document } from './support/document.ts'
import { PageProgram } from './support/page-program.ts'
import { javaScript, patient } from './support/patient.ts'
import { Visitor } from './support/visitor.ts'
import { workspace } from './support/workspace.ts'

/** A program of node:http2 that uses the page's function. Streams that were begun are answered after the signal. */
const HTTP2 = `
  import { once } from 'node:events'
  import { createServer } from 'node:http2'
  import { sessions, type Sessions } from '@sess/core'
  import { trackConnections } from './http2.js'
  const { REDIS_URL, SESSION_SECRET: secret } = process.env
  const sess: Sessions<{ visits: number }> = sessions('redis', { secret, url: REDIS_URL })
  const server = createServer(async (req, res) => {
    const session = await sess.open(req, res)
    session.update('visits', (n = 0) => n + 1)
    await session.save()
    res.end(JSON.stringify(session))
  })
  const endConnections = trackConnections(server)
  server.listen(3000)
  process.once('SIGTERM', async () => {
    const closed = once(server, 'close')
    server.close()
    endConnections()
    await closed
    await sess.close()
  })`

const at = new Installation()
let redis: Redis

beforeAll(async () => {
  const { files } = new Document('docs/guide/kubernetes.md')
  workspace(at).write({
    'server.js': patient(files['src/server.ts'] ?? ''),
    'http2.js': javaScript(files['src/http2.ts'] ?? ''),
    'http2-server.js': patient(HTTP2),
  })
  redis = await startRedis()
})

afterAll(async () => {
  await redis?.stop()
  at.remove()
})

async function started(module = 'server.js', stopMs = 0): Promise<PageProgram> {
  const program = await PageProgram.start(at, module, {
    SESSION_SECRET: 'a secret of the tests, of 32 bytes or more',
    REDIS_URL: redis.url,
    STOP_MS: String(stopMs),
  })
  onTestFinished(() => program.stop())
  return program
}

interface Counted {
  readonly status: number | undefined
  readonly visits: number
  /** The server closes the connection. */
  readonly isLast: boolean
}

/** A client with one connection, which it keeps alive. It sends one request after the other, and counts its visits. */
class KeepAliveClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #cookie: string
  #to: PageProgram
  /** Acknowledged visits. */
  visits = 0
  /** What broke a promise. */
  readonly problems: string[] = []
  /** It has moved to another process, as the former one told it to. */
  hasMoved = false
  #isLeaving = false
  readonly #stay: Promise<void>

  constructor(cookie: string, from: PageProgram, to: PageProgram) {
    this.#cookie = cookie
    this.#to = from
    this.#stay = this.#visit(to)
  }

  async leave(): Promise<void> {
    this.#isLeaving = true
    await this.#stay
    this.#agent.destroy()
  }

  async #visit(next: PageProgram): Promise<void> {
    while (!this.#isLeaving) {
      try {
        const { status, visits, isLast } = await this.#post()
        if (status !== 200 || visits !== ++this.visits) this.problems.push(`${status}: ${visits}, not ${this.visits}`)
        this.hasMoved ||= isLast
        if (isLast) this.#to = next
      } catch (error) {
        this.problems.push(String(error))
      }
    }
  }

  async #post(): Promise<Counted> {
    const headers = { cookie: this.#cookie }
    const sent = request(`${this.#to.origin}/visit`, { method: 'POST', agent: this.#agent, headers })
    const answered: Promise<IncomingMessage[]> = once(sent, 'response')
    sent.end()
    const [response] = await answered
    if (response === undefined) throw new Error('There was no response.')
    const seen: { visits: number } = JSON.parse(await text(response))
    return { status: response.statusCode, visits: seen.visits, isLast: response.headers.connection === 'close' }
  }
}

async function cookieOf({ origin }: PageProgram, name: string): Promise<string> {
  const visitor = new Visitor(origin)
  await visitor.post('/login', { [name]: '' })
  return visitor.cookie
}

describe('SIGTERM', () => {
  test('under load fails no request of clients that keep connections alive, and loses no acknowledged change', async () => {
    const [first, second] = await Promise.all([started('server.js', 1000), started()])
    const cookies = await Promise.all(Array.from({ length: 8 }, (_, n) => cookieOf(first, `user${n}`)))
    const clients = cookies.map((cookie) => new KeepAliveClient(cookie, first, second))
    expect(await comesTrue(() => clients.every(({ visits }) => visits > 5))).toBe(true)
    expect(await first.terminate()).toBe(0)
    const before = clients.map(({ visits }) => visits)
    expect(await comesTrue(() => clients.every(({ visits }, n) => visits > (before[n] ?? 0)))).toBe(true)
    await Promise.all(clients.map((client) => client.leave()))
    expect(clients.flatMap(({ problems }) => problems)).toEqual([])
    expect(clients.every(({ hasMoved }) => hasMoved)).toBe(true)
  })

  test('fails /ready at once, and requests are still answered until STOP_MS is over', async () => {
    const program = await started('server.js', 3000)
    const { origin } = program
    expect((await fetch(`${origin}/ready`)).status).toBe(200)
    const ended = program.terminate()
    expect(await comesTrue(async () => (await fetch(`${origin}/ready`)).status === 503)).toBe(true)
    expect((await new Visitor(origin).post('/login', { ada: '' })).status).toBe(200)
    expect(await ended).toBe(0)
  })

  test('ends event streams, so they do not hold the process', async () => {
    const program = await started()
    const headers = { cookie: await cookieOf(program, 'ada') }
    const stream = await fetch(`${program.origin}/events`, { headers })
    const [ended, events] = await Promise.all([program.terminate(), stream.text()])
    expect([ended, events]).toEqual([0, 'data: Hello.\n\n'])
  })

  test('waits for a request that is under way, which is stored; then the process ends, and not its client', async () => {
    const [program, other] = await Promise.all([started(), started()])
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    const login = request(`${program.origin}/login`, { method: 'POST', agent })
    const answered: Promise<IncomingMessage[]> = once(login, 'response')
    login.write('a')
    const stream = await fetch(`${program.origin}/events`, { headers: { cookie: await cookieOf(program, 'eve') } })
    const ended = program.terminate()
    // The signal has arrived.
    await stream.text()
    login.end('da')
    const [response] = await answered
    const [line = ''] = response?.headers['set-cookie'] ?? []
    response?.resume()
    expect(response?.statusCode).toBe(200)
    expect(await new Visitor(other.origin, line.split(';')[0]).post('/visit')).toMatchObject({
      status: 200,
      text: '{"user":"ada","visits":1}',
    })
    expect(await ended).toBe(0)
  })

  test('answers pipelined requests that came before it', async () => {
    const program = await started()
    const cookie = await cookieOf(program, 'ada')
    const visit = `POST /visit HTTP/1.1\r\nhost: localhost\r\ncookie: ${cookie}\r\ncontent-length: 0\r\n\r\n`
    const socket = connect(program.port, '127.0.0.1').setEncoding('latin1')
    socket.write(visit.repeat(3))
    let received = ''
    const first = once(socket, 'data')
    socket.on('data', (part: string) => (received += part))
    await first
    const [ended] = await Promise.all([program.terminate(), once(socket, 'close')])
    expect(ended).toBe(0)
    expect(received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
  })
})

describe('SIGTERM with node:http2', () => {
  /** The visits that one stream is told of. `undefined`: the server has not begun with it, so it can be sent again. */
  async function visit(connection: ClientHttp2Session, cookie: string): Promise<number | undefined> {
    if (connection.closed || connection.destroyed) return undefined
    const stream = connection.request({ ':method': 'POST', ':path': '/', ...(cookie !== '' && { cookie }) })
    stream.on('error', () => undefined)
    const answer = await text(stream).catch(() => '')
    return answer === '' ? undefined : Number(JSON.parse(answer).visits)
  }

  test('answers the streams under way, counts no stream that it does not answer, and ends the process', async () => {
    const [first, second] = await Promise.all([started('http2-server.js'), started('http2-server.js')])
    const [from, to] = [connectHttp2(first.origin), connectHttp2(second.origin)]
    for (const connection of [from, to]) {
      connection.on('error', () => undefined)
      onTestFinished(() => connection.destroy())
    }
    const [headers] = await once(from.request({ ':method': 'POST', ':path': '/' }).resume(), 'response')
    const cookie = String(headers['set-cookie']).split(';')[0] ?? ''
    const told: number[] = [1]
    const lanes = Array.from({ length: 4 }, async () => {
      for (let visits; (visits = await visit(from, cookie)) !== undefined;) told.push(visits)
    })
    expect(await comesTrue(() => told.length > 20)).toBe(true)
    expect(await first.terminate()).toBe(0)
    await Promise.all(lanes)
    told.push((await visit(to, cookie)) ?? 0)
    // Each visit was acknowledged, and once.
    expect(told.toSorted((one, other) => one - other)).toEqual(told.map((_, n) => n + 1))
  })
})
