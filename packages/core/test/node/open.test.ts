import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { type AnyData, type Session, type Sessions, sessions } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { awaiting } from '../support/express-applications.ts'
import { failureOf } from '../../../../tests/support/stores.ts'
import { SECRET } from '../support/secret.ts'
import { serve } from '../support/served.ts'
import { TroubledStore } from '../support/troubled-store.ts'
import { headerOf, type Message, Wire } from '../support/wire.ts'

type Use = (session: Session<AnyData>) => unknown

/** A framework whose handler opens the session, uses it and answers 'body'; the framework itself handles errors. */
interface Framework {
  readonly name: string
  readonly listener: (sess: Sessions, use: Use) => RequestListener | Promise<RequestListener>
}

const FRAMEWORKS: readonly Framework[] = [
  {
    name: 'Express',
    listener: (sess, use) =>
      express()
        .set('env', 'test')
        .use(
          awaiting(async (req, res) => {
            use(await sess.open(req, res))
            res.send('body')
          }),
        ),
  },
  {
    name: 'Fastify',
    listener: async (sess, use) => {
      const app = fastify()
      app.get('/', async (request, reply) => {
        use(await sess.open(request.raw, reply.raw))
        return 'body'
      })
      await app.ready()
      return (req, res) => app.routing(req, res)
    },
  },
  {
    name: 'Koa',
    listener: (sess, use) => {
      const app = new Koa()
      app.silent = true
      app.use(async (ctx) => {
        use(await sess.open(ctx.req, ctx.res))
        ctx.body = 'body'
      })
      const callback = app.callback()
      return (req, res) => void callback(req, res)
    },
  },
  {
    name: 'Hono',
    listener: (sess, use) => {
      const app = new Hono()
      app.onError((_error, context) => context.text('sorry', 500))
      app.get('/', async (context) => {
        use(await sess.open(context.req.raw))
        return context.text('body')
      })
      const listener = getRequestListener(sess.fetch((request) => app.fetch(request)))
      return (req, res) => void listener(req, res)
    },
  },
]

describe.each(FRAMEWORKS)('$name', ({ listener }) => {
  const serveWith = async (store: TroubledStore, use: Use) => {
    const sess = sessions(store, { secret: SECRET, onError: () => undefined })
    return { sess, wire: await Wire.open(await serve(await listener(sess, use))) }
  }

  const cookieOf = (message: Message) => headerOf(message, 'set-cookie').map((cookie) => cookie.replace(/;.*/, ''))

  test('finds in the next request what the last one stored', async () => {
    const seen: unknown[] = []
    const { wire } = await serveWith(new TroubledStore(), (session) =>
      seen.push(session.update('visits', (count) => Number(count ?? 0) + 1)),
    )
    wire.send('GET', '/')
    wire.send('GET', '/', [`Cookie: ${cookieOf(await wire.response()).join('')}`])
    await wire.response()
    expect(seen).toEqual([1, 2])
  })

  test('stores nothing where the handler throws', async () => {
    const store = new TroubledStore()
    const { wire } = await serveWith(store, (session) => {
      session['visits'] = 1
      session.regenerate()
      throw new Error('of the application')
    })
    wire.send('GET', '/')
    const message = await wire.response()
    expect([message.status, cookieOf(message), store.methods]).toEqual([500, [], []])
  })

  test('logs out where the handler throws after destroy', async () => {
    const store = new TroubledStore()
    const { wire } = await serveWith(store, (session) => {
      if (session['user'] === undefined) {
        session['user'] = 1
      } else {
        session.destroy()
        session['notice'] = 'lost'
        throw new Error('of the application')
      }
    })
    wire.send('GET', '/')
    const cookie = cookieOf(await wire.response()).join('')
    wire.send('GET', '/', [`Cookie: ${cookie}`])
    expect([cookieOf(await wire.response()), await store.drain()]).toEqual([['sess='], 0])
  })

  test('answers with an error where the session cannot be opened', async () => {
    const { sess, wire } = await serveWith(new TroubledStore(), () => undefined)
    await sess.close()
    wire.send('GET', '/')
    const message = await wire.response()
    expect([message.status, cookieOf(message)]).toEqual([500, []])
  })
})

describe('open refuses what carries no session, and says what to give it', () => {
  const sess = () => sessions(new TroubledStore(), { secret: SECRET })

  /** Calls `open` without type checks, as JavaScript can. */
  const open = async (application: Sessions, ...args: readonly unknown[]) =>
    failureOf(Reflect.apply(application.open, application, args))

  const NODE = expect.stringContaining('request.raw, reply.raw in Fastify; ctx.req, ctx.res in Koa')
  const FETCH = expect.stringContaining('sess.fetch')

  test.each([
    ['nothing', []],
    ['null', [null]],
    ['a string', ['GET /']],
    ['an object', [{}]],
    ['a Request that no wrapped handler was given', [new Request('http://127.0.0.1/')]],
  ])('%s alone', async (_name, args) => {
    expect(await open(sess(), ...args)).toMatchObject({ code: 'INVALID_REQUEST', message: FETCH })
  })

  test.each([
    ['null and null', [null, null]],
    ['a request and null', [{ headers: {} }, null]],
    ['a request and an object', [{ headers: {} }, {}]],
    ['a Request and a Response', [new Request('http://127.0.0.1/'), new Response()]],
  ])('%s', async (_name, args) => {
    expect(await open(sess(), ...args)).toMatchObject({ code: 'INVALID_REQUEST', message: NODE })
  })

  test("Node's request alone", async () => {
    const application = sess()
    let failure: unknown
    const port = await serve((req, res) => {
      void open(application, req).then((error) => {
        failure = error
        res.end()
      })
    })
    const wire = await Wire.open(port)
    wire.send('GET', '/')
    await wire.response()
    expect(failure).toMatchObject({ code: 'INVALID_REQUEST', message: FETCH })
  })

  test("Node's response instead of its request", async () => {
    const application = sess()
    let failure: unknown
    const port = await serve((req, res) => {
      void open(application, res, req).then((error) => {
        failure = error
        res.end()
      })
    })
    const wire = await Wire.open(port)
    wire.send('GET', '/')
    await wire.response()
    expect(failure).toMatchObject({ code: 'INVALID_REQUEST', message: NODE })
  })

  test("Fastify's own request and reply", async () => {
    const application = sess()
    const app = fastify()
    app.get('/', async (request, reply) => (await open(application, request, reply)).toString())
    const { body } = await app.inject('/')
    expect(body).toMatch(/request\.raw, reply\.raw in Fastify/)
  })

  test("Koa's own request and response", async () => {
    const application = sess()
    const app = new Koa()
    app.use(async (ctx) => {
      ctx.body = (await open(application, ctx.request, ctx.response)).message
    })
    const callback = app.callback()
    const wire = await Wire.open(await serve((req, res) => void callback(req, res)))
    wire.send('GET', '/')
    expect((await wire.response()).body).toMatch(/ctx\.req, ctx\.res in Koa/)
  })

  test("Hono's own request", async () => {
    const application = sess()
    const app = new Hono()
    app.get('/', async (context) => context.text((await open(application, context.req)).message))
    const fetch = application.fetch((request) => app.fetch(request))
    expect(await (await fetch(new Request('http://127.0.0.1/'))).text()).toMatch(/sess\.fetch/)
  })

  test('a copy of the Request that the wrapped handler was given', async () => {
    const application = sess()
    const fetch = application.fetch(
      async (request) => new Response((await open(application, new Request(request))).code),
    )
    expect(await (await fetch(new Request('http://127.0.0.1/'))).text()).toBe('INVALID_REQUEST')
  })

  test('a Request that other sessions wrapped', async () => {
    const [one, two] = [sess(), sessions(new TroubledStore(), { secret: SECRET, cookie: { name: 'two' } })]
    const fetch = one.fetch(async (request) => new Response((await open(two, request)).code))
    expect(await (await fetch(new Request('http://127.0.0.1/'))).text()).toBe('INVALID_REQUEST')
  })
})
