import { EventEmitter, once } from 'node:events'
import { inspect } from 'node:util'
import { type AnyData, type Session, type Sessions, sessions } from '@sess/core'
import { codeOf } from '@sess/core/adapter'
import sessFastifyDefault, { sessFastify, type SessFastifyOptions, type Visitor } from '@sess/fastify'
import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { describe, expect, test } from 'vitest'
import { application, Backend, Browser, SECRET, sessionOf, unavailable, withSessions } from './site.ts'

const count = async (request: FastifyRequest): Promise<string> =>
  String((await sessionOf(request)).update('visits', (n = 0) => n + 1))

/** Registers the plugin as JavaScript may, with any options. */
async function register(app: FastifyInstance, options: unknown): Promise<void> {
  await app.register(sessFastify, options as SessFastifyOptions)
}

describe('request.session', () => {
  test('is stored before the answer, and is there in the next request', async () => {
    const app = await withSessions()
    app.get('/', count)
    const browser = await Browser.at(app)
    expect([(await browser.get()).text, (await browser.get()).text]).toEqual(['1', '2'])
  })

  test('is stored in a cookie, too', async () => {
    const app = application()
    await app.register(sessFastify, { sess: sessions('cookie', { secret: SECRET }) })
    app.get('/', count)
    const browser = await Browser.at(app)
    expect([(await browser.get()).text, (await browser.get()).text]).toEqual(['1', '2'])
  })

  test('is the session that sess.open resolves with, each time', async () => {
    const { sess } = new Backend()
    const app = application()
    await app.register(sessFastify, { sess })
    app.get('/', async (request, reply) => {
      const session = await sessionOf(request)
      return [session === (await sessionOf(request)), session === (await sess.open(request.raw, reply.raw))]
    })
    expect((await (await Browser.at(app)).get()).text).toBe('[true,true]')
  })

  test('is read by the request that uses it, and by no other', async () => {
    const backend = new Backend()
    const app = await withSessions(backend)
    app.get('/', count)
    app.get('/other', async () => 'other')
    const browser = await Browser.at(app)
    await browser.get()
    backend.calls.length = 0
    expect((await browser.get('/other')).headers.getSetCookie()).toEqual([])
    expect(backend.calls).toEqual([])
    await browser.get()
    expect(backend.calls).toEqual(['read', 'update'])
  })

  test('leaves the response of a request that does not use it as Node made it', async () => {
    const app = await withSessions()
    app.get('/', async (_request, reply) => ['writeHead', 'write', 'end'].map((name) => Object.hasOwn(reply.raw, name)))
    expect((await (await Browser.at(app)).get()).text).toBe('[false,false,false]')
  })

  test('rejects with DISABLED if sessions are off', async () => {
    const app = application()
    await register(app, { sess: sessions(false) })
    app.get('/', async (request) => sessionOf(request).catch(codeOf))
    expect((await (await Browser.at(app)).get()).text).toBe('DISABLED')
  })
})

describe('before it is awaited, request.session', () => {
  /** What becomes of a use of the promise, with no types in the way. */
  async function use(then: (promise: Promise<Session<AnyData>>) => unknown): Promise<unknown> {
    const app = await withSessions()
    let result: unknown
    app.get('/', async (request) => {
      try {
        result = await then(sessionOf(request) as unknown as Promise<Session<AnyData>>)
      } catch (error) {
        result = error
      }
      return 'done'
    })
    await (await Browser.at(app)).get()
    return result
  }

  const refusal = expect.objectContaining({
    code: 'INVALID_REQUEST',
    message: expect.stringMatching(/ user .*const session = await request\.session/),
  })

  test.each<[string, (promise: Promise<Session<AnyData>>) => unknown]>([
    ['read', (promise) => Reflect.get(promise, 'user')],
    ['assigned', (promise) => Reflect.set(promise, 'user', 'ada')],
    ['deleted', (promise) => Reflect.deleteProperty(promise, 'user')],
    ['asked for', (promise) => 'user' in promise],
  ])('refuses a key that is %s', async (_, then) => {
    expect(await use(then)).toEqual(refusal)
  })

  test.each<[string, (promise: Promise<Session<AnyData>>) => unknown, unknown]>([
    ['then', (promise) => promise.then(({ update }) => update('visits', () => 7)), 7],
    ['catch', (promise) => promise.catch(() => undefined).then((session) => typeof session), 'object'],
    ['finally', (promise) => promise.finally(() => undefined).then((session) => typeof session), 'object'],
    ['Promise.resolve', async (promise) => typeof (await Promise.resolve(promise)), 'object'],
    ['instanceof', (promise) => promise instanceof Promise, true],
    // Node 26 says that it is a proxy. Where something watches the process's promises, Node shows what it noted too.
    ['inspect', (promise) => /^(?:Proxy\()?Promise \{\s+<pending>/.test(inspect(promise)), true],
    ['JSON.stringify', (promise) => JSON.stringify(promise), '{}'],
  ])('is a promise: %s', async (_, then, result) => {
    expect(await use(then)).toBe(result)
  })
})

describe('a scope', () => {
  test('has the sessions that a scope around it has registered', async () => {
    const app = await withSessions()
    await app.register(async (inner) => {
      inner.get('/', count)
    })
    expect((await (await Browser.at(app)).get()).text).toBe('1')
  })

  test('shares no sessions that it registers with the scope beside it', async () => {
    const app = application()
    await app.register(async (one) => {
      await one.register(sessFastify, { sess: new Backend().sess })
      one.get('/', count)
    })
    await app.register(async (other) => {
      other.get('/other', async (request) => String('session' in request))
    })
    const browser = await Browser.at(app)
    expect([(await browser.get()).text, (await browser.get('/other')).text]).toEqual(['1', 'false'])
  })

  test('may have other sessions than the scope around it, under another cookie', async () => {
    const app = await withSessions()
    app.get('/', count)
    await app.register(async (admin) => {
      await admin.register(sessFastify, { sess: new Backend({ cookie: { name: 'admin' } }).sess })
      admin.get('/admin', count)
    })
    const browser = await Browser.at(app)
    const counts = []
    for (const path of ['/', '/', '/admin', '/', '/admin']) counts.push((await browser.get(path)).text)
    expect(counts).toEqual(['1', '2', '1', '3', '2'])
    expect(browser.cookie).toMatch(/admin=/)
  })

  test('refuses a second registration', async () => {
    const app = await withSessions()
    await expect(register(app, { sess: new Backend().sess })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('already has a request.session'),
    })
  })

  test('refuses to go beside another plugin with a request.session', async () => {
    const app = application()
    await app.register(fastifyCookie)
    await app.register(fastifySession, { secret: SECRET })
    const { sess } = new Backend()
    await expect(register(app, { sess })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await sess.close()
  })
})

describe('the options', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no sessions', {}],
    ['the options of sessions()', { secret: SECRET }],
    ['the name of a store', { sess: 'redis' }],
    ['a promise', { sess: Promise.resolve(new Backend().sess) }],
    ['a misspelt name', { sess: new Backend().sess, closes: false }],
    ['a text for a flag', { sess: new Backend().sess, close: 'no' }],
  ])('refuse %s', async (_, options) => {
    const refused = register(application(), options)
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringMatching(/sess/) })
  })

  test('may have what Fastify reads of any plugin', async () => {
    const app = application()
    await app.register(sessFastify, { sess: new Backend().sess, prefix: '/one', logLevel: 'warn' })
    app.get('/', count)
    expect((await (await Browser.at(app)).get()).text).toBe('1')
  })

  test('the default export is the plugin', () => {
    expect(sessFastifyDefault).toBe(sessFastify)
  })
})

describe('when the application closes', () => {
  const isClosed = (sess: Sessions<Visitor>) =>
    sess.read({ headers: { cookie: '' } }).then(
      () => false,
      (error: unknown) => codeOf(error) === 'CLOSED',
    )

  test('its sessions close', async () => {
    const { sess } = new Backend()
    const app = application()
    await app.register(sessFastify, { sess })
    await app.close()
    expect(await isClosed(sess)).toBe(true)
  })

  test('sessions stay open with close: false', async () => {
    const { sess } = new Backend()
    const app = application()
    await app.register(sessFastify, { sess, close: false })
    await app.close()
    expect(await isClosed(sess)).toBe(false)
    await sess.close()
  })

  test('the changes of a request that is under way are stored first', async () => {
    const backend = new Backend()
    const app = await withSessions(backend)
    const door = new EventEmitter()
    app.get('/', async (request) => {
      const left = once(door, 'leave')
      door.emit('enter')
      await left
      return count(request)
    })
    const entered = once(door, 'enter')
    const answer = (await Browser.at(app)).get()
    await entered
    const closing = app.close()
    door.emit('leave')
    expect((await answer).text).toBe('1')
    await closing
    expect(backend.calls).toEqual(['create'])
  })
})

describe('if the store is down', () => {
  test('the error handler gets the error of opening, which is a 503', async () => {
    const backend = new Backend()
    const app = await withSessions(backend)
    app.get('/', count)
    app.setErrorHandler(async (error: { code: string; status: number }, _request, reply) =>
      reply.code(error.status).send(`sorry: ${error.code}`),
    )
    const browser = await Browser.at(app)
    await browser.get()
    backend.fails = unavailable()
    expect(await browser.get()).toMatchObject({ status: 503, text: 'sorry: UNAVAILABLE' })
  })

  test('an application without an error handler answers 503', async () => {
    const backend = new Backend()
    const app = await withSessions(backend)
    app.get('/', count)
    const browser = await Browser.at(app)
    await browser.get()
    backend.fails = unavailable()
    const { status, text } = await browser.get()
    expect([status, JSON.parse(text)]).toEqual([503, expect.objectContaining({ code: 'UNAVAILABLE' })])
  })

  test('an answer whose session cannot be stored becomes a 503', async () => {
    const backend = new Backend()
    const app = await withSessions(backend)
    app.get('/', count)
    backend.fails = unavailable()
    expect(await (await Browser.at(app)).get()).toMatchObject({ status: 503, text: '503 Service Unavailable\n' })
  })
})

test('a request that lost a conflict is answered with 409', async () => {
  const { sess } = new Backend()
  const app = application()
  await app.register(sessFastify, { sess })
  app.get('/', count)
  let other = async (): Promise<unknown> => undefined
  app.get('/race', async (request) => {
    const session = await sessionOf(request)
    const visits = session.visits ?? 0
    await other()
    session.visits = visits + 1
    return 'done'
  })
  const browser = await Browser.at(app)
  await browser.get()
  const rival = await Browser.at(app, browser.cookie)
  other = () => rival.get()
  expect(await browser.get('/race')).toMatchObject({ status: 409, text: '409 Conflict\n' })
})
