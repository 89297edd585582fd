import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { codeOf } from '@sess/core/adapter'
import { sessFastify } from '@sess/fastify'
import fastifyCompress from '@fastify/compress'
import fastifyStatic from '@fastify/static'
import fastifyWebsocket from '@fastify/websocket'
import { fastify, type FastifyRequest } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { application, Backend, Browser, sessionOf, withSessions } from './site.ts'

const count = async (request: FastifyRequest): Promise<string> =>
  String((await sessionOf(request)).update('visits', (n = 0) => n + 1))

/** The visits that a second request of the browser sees. */
async function visitsAfter(get: (browser: Browser) => Promise<unknown>, browser: Browser): Promise<number> {
  await get(browser)
  return Number((await browser.get('/visits')).text)
}

const visits = async (request: FastifyRequest): Promise<string> => String((await sessionOf(request)).visits ?? 0)

describe('a hook', () => {
  test.each(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const)(
    'can use the session: %s',
    async (name) => {
      const app = await withSessions()
      const hook = async (request: FastifyRequest): Promise<void> => void (await count(request))
      app.addHook(name, hook)
      app.get('/', visits)
      expect((await (await Browser.at(app)).get()).text).toBe('1')
    },
  )

  test('can change the session when the answer is about to leave: onSend', async () => {
    const app = await withSessions()
    app.get('/visits', visits)
    await app.register(async (scope) => {
      scope.addHook('onSend', async (request, _reply, payload) => {
        await count(request)
        return payload
      })
      scope.get('/', async () => 'done')
    })
    expect(await visitsAfter((browser) => browser.get(), await Browser.at(app))).toBe(1)
  })

  test('cannot change the session when the answer has left: onResponse', async () => {
    const app = await withSessions()
    const refused = new Promise((resolve) => {
      app.addHook('onResponse', async (request) => resolve(await count(request).catch(codeOf)))
    })
    app.get('/', async () => 'done')
    await (await Browser.at(app)).get()
    expect(await refused).toBe('SEALED')
  })

  test('that was added before the plugin is told so, if it runs before it', async () => {
    const app = application()
    app.addHook('onRequest', async (request) => void (await sessionOf(request)))
    await app.register(sessFastify, { sess: new Backend().sess })
    app.get('/', async () => 'done')
    const { status, text: body } = await (await Browser.at(app)).get()
    expect([status, body]).toEqual([500, expect.stringContaining('Register sessFastify before the hooks')])
  })

  test('can use the session of a request that no route handles', async () => {
    const app = await withSessions()
    app.setNotFoundHandler(async (request, reply) => reply.code(404).send(await count(request)))
    expect(await (await Browser.at(app)).get('/nowhere')).toMatchObject({ status: 404, text: '1' })
  })

  test('can use the session of a request that failed: the error handler', async () => {
    const app = await withSessions()
    app.get('/', async () => {
      throw new TypeError('This is the application’s.')
    })
    app.setErrorHandler(async (_error, request, reply) => reply.code(400).send(await count(request)))
    expect(await (await Browser.at(app)).get()).toMatchObject({ status: 400, text: '1' })
  })
})

describe('the session is stored before an answer', () => {
  test('that the handler writes itself, after reply.hijack()', async () => {
    const app = await withSessions()
    app.get('/visits', visits)
    app.get('/', async (request, reply) => {
      await count(request)
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/plain' })
      reply.raw.end('raw')
    })
    expect(await visitsAfter((browser) => browser.get(), await Browser.at(app))).toBe(1)
  })

  test('that is a stream', async () => {
    const app = await withSessions()
    app.get('/visits', visits)
    app.get('/', async (request, reply) => {
      await count(request)
      return reply.type('text/plain').send(Readable.from(['one ', 'two']))
    })
    const get = async (browser: Browser): Promise<void> => expect((await browser.get()).text).toBe('one two')
    expect(await visitsAfter(get, await Browser.at(app))).toBe(1)
  })

  test('that @fastify/compress compresses', async () => {
    const app = await withSessions()
    await app.register(fastifyCompress, { threshold: 0 })
    app.get('/visits', visits)
    app.get('/', async (request, reply) => {
      await count(request)
      return reply.type('text/plain').send('text '.repeat(1000))
    })
    const get = async (browser: Browser): Promise<void> => {
      const { headers, text: body } = await browser.get('/', { 'accept-encoding': 'gzip' })
      expect([headers.get('content-encoding'), body.length]).toEqual(['gzip', 5000])
    }
    expect(await visitsAfter(get, await Browser.at(app))).toBe(1)
  })

  test('that is a file of @fastify/static, which is for no shared cache then', async () => {
    const root = mkdtempSync(join(tmpdir(), 'sess-fastify-'))
    onTestFinished(() => rmSync(root, { recursive: true }))
    writeFileSync(join(root, 'page.txt'), 'a page')
    const app = await withSessions()
    await app.register(fastifyStatic, { root, serve: false })
    app.get('/visits', visits)
    app.get('/', async (request, reply) => {
      await count(request)
      return reply.sendFile('page.txt')
    })
    const get = async (browser: Browser): Promise<void> => {
      const { headers, text: body } = await browser.get()
      expect([headers.get('cache-control'), body]).toEqual([expect.stringContaining('private'), 'a page'])
    }
    expect(await visitsAfter(get, await Browser.at(app))).toBe(1)
  })

  test('that inject asks for', async () => {
    const app = await withSessions()
    app.get('/', count)
    const one = await app.inject('/')
    const cookies = Object.fromEntries(one.cookies.map(({ name, value }) => [name, value]))
    expect([one.body, (await app.inject({ url: '/', cookies })).body]).toEqual(['1', '2'])
  })

  test('of HTTP/2', async () => {
    const app = fastify({ http2: true })
    onTestFinished(() => app.close())
    await app.register(sessFastify, { sess: new Backend().sess })
    app.get('/', async (request) => count(request as unknown as FastifyRequest))
    const client = connect(await app.listen({ port: 0, host: '127.0.0.1' }))
    onTestFinished(() => client.close())
    const get = async (cookie: string) => {
      const stream = client.request({ ':path': '/', cookie })
      const [headers] = await once(stream, 'response')
      return { cookie: String(headers['set-cookie']).split(';')[0] ?? '', body: await text(stream) }
    }
    const one = await get('')
    expect([one.body, (await get(one.cookie)).body]).toEqual(['1', '2'])
  })
})

describe('a WebSocket of @fastify/websocket', () => {
  /** What the socket is told about the session of its request. */
  async function hear(tell: (request: FastifyRequest, sess: Backend['sess']) => Promise<unknown>): Promise<unknown> {
    const { sess } = new Backend()
    const app = application()
    await app.register(fastifyWebsocket)
    await app.register(sessFastify, { sess })
    app.get('/', count)
    app.get('/socket', { websocket: true }, async (socket, request) => {
      socket.send(JSON.stringify(await tell(request, sess)))
    })
    const browser = await Browser.at(app)
    await browser.get()
    const client = new WebSocket(`${app.listeningOrigin}/socket`, { headers: { cookie: browser.cookie } })
    onTestFinished(() => client.terminate())
    const [message]: unknown[] = await once(client, 'message')
    return JSON.parse(String(message))
  }

  test('reads the session', async () => {
    expect(await hear(async (request, sess) => sess.read(request.raw))).toEqual({ visits: 1 })
  })

  test('is told that it cannot open the session, whose changes nothing would store', async () => {
    const told = await hear(async (request) => sessionOf(request).catch((error: unknown) => String(error)))
    expect(told).toMatch(/became a WebSocket.*sess\.read\(request\.raw\)/)
  })

  test('can be refused by a hook that opens the session', async () => {
    const app = await withSessions()
    await app.register(fastifyWebsocket)
    app.addHook('preValidation', async (request, reply) => {
      if ((await sessionOf(request)).user === undefined) await reply.code(401).send('Who are you?')
    })
    app.get('/socket', { websocket: true }, async (socket) => socket.close())
    await app.listen({ port: 0, host: '127.0.0.1' })
    const client = new WebSocket(`${app.listeningOrigin}/socket`)
    const [, response]: unknown[] = await once(client, 'unexpected-response')
    expect(response).toMatchObject({ statusCode: 401 })
  })
})
