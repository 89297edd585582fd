import { Readable } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Context, Hono } from 'hono'
import { stream as streamed } from 'hono/streaming'
import Koa from 'koa'
import { stream } from './answers.ts'
import type { Application, Visit } from './application.ts'

type More = Partial<Application>
type FastifyOpen = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

function fastifyApplication(
  name: string,
  set: (app: FastifyInstance, open: FastifyOpen) => unknown,
  more: More = {},
): Application {
  return {
    name,
    ...more,
    listener: async ({ node }) => {
      const app = fastify()
      set(app, async (request, reply) => node(request.raw, reply.raw))
      await app.ready()
      return (req, res) => app.routing(req, res)
    },
  }
}

function fastifyRoute(name: string, answer: (reply: FastifyReply) => unknown, more: More = {}): Application {
  return fastifyApplication(
    name,
    (app, open) =>
      app.all('/', async (request, reply) => {
        await open(request, reply)
        await answer(reply)
        return reply
      }),
    more,
  )
}

export const FASTIFY_APPLICATIONS: readonly Application[] = [
  fastifyRoute('an object', (reply) => reply.code(201).send({ a: 1 })),
  fastifyRoute('a string', (reply) => reply.send('body')),
  fastifyRoute('a Buffer', (reply) => reply.send(Buffer.from('body'))),
  fastifyRoute('a small stream', (reply) => reply.send(Readable.from(['one', 'two'], { objectMode: false }))),
  fastifyRoute('a large stream', (reply) => reply.send(stream(9))),
  fastifyRoute('a web stream', (reply) => reply.send(new Response('body').body)),
  fastifyRoute('a Response', (reply) => reply.send(new Response('body', { status: 202, headers: { 'x-one': 'a' } }))),
  fastifyRoute('a redirect', (reply) => reply.redirect('/elsewhere')),
  fastifyRoute('status 204', (reply) => reply.code(204).send()),
  fastifyRoute('HEAD', (reply) => reply.send('body'), { method: 'HEAD' }),
  fastifyRoute('its own cookie', (reply) => reply.header('set-cookie', 'own=1').send('body')),
  fastifyRoute('its own headers', (reply) =>
    reply.header('vary', 'Accept').header('cache-control', 'public').send('x'),
  ),
  fastifyRoute('trailers', (reply) => reply.trailer('x-sum', async () => '1').send('body')),
  fastifyRoute('raw', (reply) => reply.hijack().raw.end('body')),
  fastifyApplication('a hook that opens', (app, open) => {
    app.addHook('preHandler', open)
    app.get('/', async () => ({ a: 1 }))
  }),
  fastifyApplication('a hook that changes the payload', (app, open) => {
    app.addHook('onRequest', open)
    app.addHook('onSend', async (_request, reply, payload) => {
      reply.header('x-one', 'a')
      return `${String(payload)} and more`
    })
    app.get('/', async () => 'body')
  }),
  fastifyApplication('an error handler', (app, open) => {
    app.setErrorHandler(async (_error, _request, reply) => reply.code(422).send('sorry'))
    app.get('/', async (request, reply) => {
      await open(request, reply)
      throw new Error('of the application')
    })
  }),
]

function koaApplication(name: string, answer: (ctx: Koa.Context) => unknown, more: More = {}): Application {
  return {
    name,
    ...more,
    listener: ({ node }) => {
      const app = new Koa()
      app.silent = true
      app.use(async (ctx) => {
        await node(ctx.req, ctx.res)
        await answer(ctx)
      })
      const callback = app.callback()
      return (req, res) => void callback(req, res)
    },
  }
}

export const KOA_APPLICATIONS: readonly Application[] = [
  koaApplication('a string', (ctx) => (ctx.body = 'body')),
  koaApplication('an object', (ctx) => (ctx.body = { a: 1 })),
  koaApplication('a Buffer', (ctx) => (ctx.body = Buffer.from('body'))),
  koaApplication('a small stream', (ctx) => (ctx.body = Readable.from(['one', 'two'], { objectMode: false }))),
  koaApplication('a large stream', (ctx) => (ctx.body = stream(9))),
  koaApplication('a Blob', (ctx) => (ctx.body = new Blob(['body']))),
  koaApplication('a Response', (ctx) => (ctx.body = new Response('body', { status: 202 }))),
  koaApplication('a redirect', (ctx) => ctx.redirect('/elsewhere')),
  koaApplication('status 204', (ctx) => (ctx.status = 204)),
  koaApplication('no body at all', () => undefined),
  koaApplication('HEAD', (ctx) => (ctx.body = 'body'), { method: 'HEAD' }),
  koaApplication('its own cookie', (ctx) => {
    ctx.cookies.set('own', '1')
    ctx.body = 'body'
  }),
  koaApplication('its own headers', (ctx) => {
    ctx.vary('Accept')
    ctx.set('Cache-Control', 'public, max-age=9')
    ctx.body = 'body'
  }),
  koaApplication('an error of status 422', (ctx) => ctx.throw(422, 'sorry')),
  koaApplication('raw', (ctx) => {
    ctx.respond = false
    ctx.res.end('body')
  }),
]

function honoApplication(
  name: string,
  answer: (context: Context, visit: Visit) => Response | Promise<Response>,
  more: More = {},
): Application {
  return {
    name,
    ...more,
    listener: (visit) => {
      const app = new Hono()
      app.all('/', async (context) => {
        await visit.fetch(context.req.raw)
        return answer(context, visit)
      })
      const listener = getRequestListener(visit.wrap((request) => app.fetch(request)))
      return (req, res) => void listener(req, res)
    },
  }
}

const CONSTANT = new Response(null, { status: 204, headers: { 'x-one': 'a' } })

export const HONO_APPLICATIONS: readonly Application[] = [
  honoApplication('json', (context) => context.json({ a: 1 }, 201)),
  honoApplication('text', (context) => context.text('body')),
  honoApplication('a redirect', (context) => context.redirect('/elsewhere')),
  honoApplication('Response.redirect, whose headers are immutable', () =>
    Response.redirect('http://127.0.0.1/elsewhere', 302),
  ),
  honoApplication('no body', (context) => context.body(null, 204)),
  honoApplication('status 304', () => new Response(null, { status: 304, headers: { etag: '"a"' } })),
  honoApplication('one Response for all', () => CONSTANT),
  honoApplication('HEAD', (context) => context.text('body'), { method: 'HEAD' }),
  honoApplication('a stream', (context) =>
    streamed(context, async (body) => {
      for (const piece of ['one', 'two']) await body.write(piece)
    }),
  ),
  honoApplication('a large stream', () => new Response(Readable.toWeb(stream(9)) as ReadableStream)),
  honoApplication('its own cookie', (context) => {
    context.header('set-cookie', 'own=1')
    return context.text('body')
  }),
  honoApplication('its own headers', (context) => {
    context.header('vary', 'Accept')
    context.header('cache-control', 'public, max-age=9')
    return context.text('body')
  }),
  honoApplication('not found', (context) => context.notFound()),
  honoApplication('a parsed body', async (context) => context.json(await context.req.json()), {
    method: 'POST',
    headers: ['Content-Type: application/json'],
    body: '{"a":1}',
  }),
]
