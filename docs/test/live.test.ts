import { once } from 'node:events'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { ask } from '../../scripts/servers/server.js'
import { Document } from './support/document.ts'
import { PageProgram } from './support/page-program.ts'
import { Visitor } from './support/visitor.ts'
import { compile, workspace } from './support/workspace.ts'

/** Milliseconds for compiling and starting processes on a busy machine. */
const PATIENCE = 60_000

/** The line on each page that adds its code to the program of node:http. */
const LINES = {
  'docs/frameworks/websocket.md': 'acceptSockets(server, sess)',
  'docs/frameworks/server-sent-events.md': "routes['GET /events'] = (req, res) => streamEvents(req, res, sess)",
}

const program = (every: string) => `
  import { streamEvents } from './events.js'
  import { routes, server, sess } from './server.js'
  import { acceptSockets } from './sockets.js'
  ${Object.values(LINES).join('\n').replaceAll('sess)', `sess${every})`)}`

const at = new Installation()
let redis: Redis
/** Asks at the pages' interval, which is longer than a test: it notices only what it has ended itself. */
let patient: PageProgram
/** Another process with the same sessions. It asks every 20 ms. */
let eager: PageProgram

beforeAll(async () => {
  const pages = ['docs/frameworks/node-http.md', ...Object.keys(LINES)]
  const files = Object.assign({}, ...pages.map((page) => new Document(page).files))
  const modules = { ...files, 'patient.ts': program(''), 'eager.ts': program(', 20') }
  expect(await compile(workspace(at), modules)).toBe('')
  redis = await startRedis()
  const env = { SESSION_SECRET: 'a secret of the tests, of 32 bytes or more', REDIS_URL: redis.url }
  patient = await PageProgram.start(at, 'out/patient.js', env)
  eager = await PageProgram.start(at, 'out/eager.js', env)
}, PATIENCE)

afterAll(async () => {
  await Promise.all([patient?.stop(), eager?.stop()])
  await redis?.stop()
  at.remove()
})

async function ada({ origin }: PageProgram): Promise<Visitor> {
  const visitor = new Visitor(origin)
  await visitor.logIn('ada', 'lovelace')
  return visitor
}

async function opened({ origin }: PageProgram, cookie: string, from?: string): Promise<WebSocket> {
  const headers = { cookie, ...(from !== undefined && { origin: from }) }
  const socket = new WebSocket(origin.replace('http', 'ws'), { headers })
  await once(socket, 'open')
  onTestFinished(() => socket.terminate())
  return socket
}

/** The headers that a client sends to open a socket. */
const handshake = (cookie: string, from?: string) => ({
  cookie,
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  ...(from !== undefined && { origin: from }),
})

/** The status with which a socket is refused. */
async function refused({ origin }: PageProgram, cookie: string, from?: string): Promise<number | undefined> {
  const [response] = await once(request(origin, { headers: handshake(cookie, from), agent: false }).end(), 'response')
  return response.resume().statusCode
}

/** The code and the reason that the socket is closed with. */
async function closed(socket: WebSocket): Promise<readonly unknown[]> {
  const [code, reason] = await once(socket, 'close')
  return [code, String(reason)]
}

async function answer(socket: WebSocket, message: string): Promise<string> {
  const answered = once(socket, 'message')
  socket.send(message)
  return String((await answered)[0])
}

async function stream({ origin }: PageProgram, cookie: string): Promise<Response> {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  return fetch(`${origin}/events`, { headers: { cookie }, signal: abort.signal })
}

const textOf = ({ body }: Response): AsyncIterable<string> =>
  (body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream())

/** Fails if it takes half as long as the pages' interval. */
const promptly = <T>(awaited: Promise<T>): Promise<T | 'late'> =>
  Promise.race([awaited, sleep(5000, 'late' as const, { ref: false })])

const LOGGED_OUT = [1008, 'You are logged out.']

test.each(Object.entries(LINES))('%s says how it is added to the program of node:http', (path, line) => {
  expect(new Document(path).prose).toContain(line)
})

describe('docs/frameworks/websocket.md', () => {
  test('answers a user who is logged in', async () => {
    const socket = await opened(patient, (await ada(patient)).cookie)
    expect([await answer(socket, 'one'), await answer(socket, 'two')]).toEqual(['ada: one', 'ada: two'])
  })

  test('lets a page of its own origin open a socket', async () => {
    const socket = await opened(patient, (await ada(patient)).cookie, patient.origin)
    expect(await answer(socket, 'one')).toBe('ada: one')
  })

  test.each(['https://evil.example', 'http://sibling.localhost', 'null', 'http://127.0.0.1:1', ''])(
    'refuses a page of the origin %j',
    async (origin) => expect(await refused(patient, (await ada(patient)).cookie, origin)).toBe(403),
  )

  test('refuses a visitor who is not logged in', async () => {
    const visitor = new Visitor(patient.origin)
    await visitor.get('/')
    expect([await refused(patient, ''), await refused(patient, visitor.cookie)]).toEqual([401, 401])
  })

  test('closes at once at a logout in the same process', async () => {
    const visitor = await ada(patient)
    const closing = closed(await opened(patient, visitor.cookie))
    await visitor.post('/logout')
    expect(await promptly(closing)).toEqual(LOGGED_OUT)
  })

  test('closes at a logout in another process', async () => {
    const visitor = await ada(patient)
    const closing = closed(await opened(eager, visitor.cookie))
    await visitor.post('/logout')
    expect(await promptly(closing)).toEqual(LOGGED_OUT)
  })

  test('closes when another user logs in, and opens with the new cookie', async () => {
    const visitor = await ada(eager)
    const closing = closed(await opened(eager, visitor.cookie))
    await visitor.logIn('grace', 'hopper')
    expect(await closing).toEqual(LOGGED_OUT)
    expect(await answer(await opened(eager, visitor.cookie), 'one')).toBe('grace: one')
  })

  test('goes on when a client is cut off', async () => {
    const { cookie } = await ada(patient)
    const socket = await opened(patient, cookie)
    socket.terminate()
    expect(await answer(await opened(patient, cookie), 'one')).toBe('ada: one')
  })

  test('goes on when a client is cut off while the session is read', async () => {
    const visitor = await ada(patient)
    await redis.freeze()
    const sent = request(patient.origin, { headers: handshake(visitor.cookie), agent: false }).end()
    sent.on('error', () => undefined)
    const [socket]: Socket[] = await once(sent, 'socket')
    await once(sent, 'finish')
    // The server answers it only after the handshake has arrived.
    await visitor.get('/elsewhere')
    socket?.resetAndDestroy()
    await visitor.get('/elsewhere')
    redis.thaw()
    expect((await visitor.get('/')).text).toContain('of ada')
  })
})

describe('docs/frameworks/server-sent-events.md', () => {
  test('greets a user who is logged in, and goes on until the logout', async () => {
    const visitor = await ada(eager)
    const response = await stream(eager, visitor.cookie)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    let text = ''
    for await (const chunk of textOf(response)) {
      text += chunk
      if (text.includes('alive')) await visitor.post('/logout')
    }
    expect(text).toMatch(/^data: Hello, ada\.\n\n(: [^\n]*\n\n)+$/)
  })

  test('asks nginx not to hold events back', async () => {
    const { headers } = await stream(patient, (await ada(patient)).cookie)
    expect(headers.get('x-accel-buffering')).toBe('no')
  })

  test('ends at once at a logout in the same process', async () => {
    const visitor = await ada(patient)
    const response = await stream(patient, visitor.cookie)
    const ending = response.text()
    await visitor.post('/logout')
    expect(await promptly(ending)).toBe('data: Hello, ada.\n\n')
  })

  test('ends at a logout in another process', async () => {
    const visitor = await ada(patient)
    const response = await stream(eager, visitor.cookie)
    const ending = response.text()
    await visitor.post('/logout')
    expect(await promptly(ending)).toContain('data: Hello, ada.\n\n')
  })

  test('does not begin for a visitor who is not logged in', async () => {
    const response = await stream(eager, '')
    expect([response.status, await response.text()]).toEqual([401, 'Log in first.'])
  })

  test('goes on when a client is cut off', async () => {
    const { cookie } = await ada(eager)
    await (await stream(eager, cookie)).body?.cancel()
    expect((await stream(eager, cookie)).status).toBe(200)
  })
})

/** How many reads of sessions Redis has counted. */
async function reads(): Promise<number> {
  const statistics = await ask(redis.port, 'INFO commandstats')
  return [...statistics.matchAll(/cmdstat_get(?:range)?:calls=(\d+)/g)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  )
}

/** How many reads there are in the time of ten of the eager program's questions. */
async function readsMeanwhile(): Promise<number> {
  const before = await reads()
  await sleep(200)
  return (await reads()) - before
}

test('the session of a client is read again and again, and no more once the client has gone', async () => {
  const { cookie } = await ada(eager)
  const socket = await opened(eager, cookie)
  const { body } = await stream(eager, cookie)
  await expect.poll(readsMeanwhile, { timeout: 10_000 }).toBeGreaterThan(2)
  socket.terminate()
  await body?.cancel()
  await expect.poll(readsMeanwhile, { timeout: 10_000 }).toBe(0)
})

describe('if the store goes down', () => {
  let visitor: Visitor
  let socket: WebSocket
  /** How many signs of life the stream has sent. */
  let signs = 0
  let isStreaming = true

  beforeAll(async () => {
    visitor = await ada(eager)
    const headers = { cookie: visitor.cookie }
    socket = new WebSocket(eager.origin.replace('http', 'ws'), { headers })
    await once(socket, 'open')
    void count(textOf(await fetch(`${eager.origin}/events`, { headers })))
    eager.forget()
    await redis.kill()
    await eager.says('SessError')
    // The program has asked several more times.
    await sleep(200)
  })
  afterAll(() => socket.terminate())

  async function count(texts: AsyncIterable<string>): Promise<void> {
    for await (const text of texts) signs += text.split('alive').length - 1
    isStreaming = false
  }

  test('an open socket stays open', async () => {
    expect(await answer(socket, 'one')).toBe('ada: one')
  })

  test('an open stream goes on', async () => {
    const before = signs
    await expect.poll(() => signs, { timeout: 10_000 }).toBeGreaterThan(before + 5)
    expect(isStreaming).toBe(true)
  })

  test('no socket is opened', async () => {
    expect(await refused(eager, visitor.cookie)).toBe(503)
  })

  test('no stream begins', async () => {
    const response = await stream(eager, visitor.cookie)
    expect([response.status, await response.text()]).toEqual([503, 'Sorry, that did not work. Try again.'])
  })

  test('once it is back, without the session, both are closed', async () => {
    const closing = closed(socket)
    const again = await startRedis({ port: redis.port })
    onTestFinished(() => again.stop())
    expect(await promptly(closing)).toEqual(LOGGED_OUT)
    await expect.poll(() => isStreaming, { timeout: 10_000 }).toBe(false)
  })
})
