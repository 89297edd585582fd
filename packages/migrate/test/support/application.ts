import { createServer, type RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import express, { type RequestHandler } from 'express'
import { fastify, type FastifyInstance } from 'fastify'
import { Hono, type MiddlewareHandler } from 'hono'
import Koa, { type Middleware } from 'koa'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { serve } from '../../../core/test/support/served.ts'
import { Jar } from './jar.ts'

/** An application of a former library. `POST /` puts the values of the body into the session; `GET /` shows its user. */
export interface Application {
  readonly port: number
}

/** Puts values into a session of another library, and resolves with the cookies that it sets. */
export async function write({ port }: Application, values: object, jar?: Jar): Promise<Jar> {
  const response = await fetch(`http://127.0.0.1:${port}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(jar && { cookie: jar.header }) },
    body: JSON.stringify(values),
  })
  if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`)
  return Jar.of(response)
}

/** The user whom the other library finds in the session. */
export async function userOf({ port }: Application, jar: Jar): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}`, { headers: { cookie: jar.header } })
  const body: unknown = await response.json()
  return typeof body === 'object' && body !== null && 'user' in body ? body.user : undefined
}

/** An application of Express whose sessions are in `request.session`. */
export async function expressApplication(sessions: RequestHandler): Promise<Application> {
  const app = express()
  app.use(sessions, express.json())
  app.post('/', (request, response) => {
    Object.assign(sessionOf(request), request.body)
    response.end()
  })
  app.get('/', (request, response) => void response.json({ user: Reflect.get(sessionOf(request), 'user') }))
  return { port: await serve(app) }
}

/** An application of Fastify whose sessions are in `request.session`. */
export async function fastifyApplication(register: (app: FastifyInstance) => unknown): Promise<Application> {
  // It would refuse the body that tests what a prototype does.
  const app = fastify({ onProtoPoisoning: 'ignore' })
  onTestFinished(async () => app.close())
  await register(app)
  app.post('/', (request, reply) => {
    Object.assign(sessionOf(request), request.body)
    void reply.send()
  })
  app.get('/', (request) => ({ user: Reflect.get(sessionOf(request), 'user') }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const [address] = app.addresses()
  if (typeof address !== 'object') throw new Error('expected an address')
  return { port: address.port }
}

/** An application of Koa whose sessions are in `ctx.session`. */
export async function koaApplication(start: (app: Koa) => Middleware): Promise<Application> {
  const app = new Koa()
  app.use(start(app))
  app.use(async (ctx) => {
    const session: unknown = Reflect.get(ctx, 'session')
    if (typeof session !== 'object' || session === null) throw new Error('expected a session')
    if (ctx.method === 'POST') Object.assign(session, JSON.parse(await text(ctx.req)))
    ctx.body = { user: Reflect.get(session, 'user') }
  })
  const answer = app.callback()
  return { port: await serve((request, response) => void answer(request, response)) }
}

/** An application of Hono whose sessions have methods. */
export async function honoApplication(sessions: MiddlewareHandler<{ Variables: Kept }>): Promise<Application> {
  const app = new Hono<{ Variables: Kept }>()
  app.use(sessions)
  app.post('/', async (c) => {
    const values: Record<string, unknown> = await c.req.json()
    for (const [key, value] of Object.entries(values)) c.get('session').set(key, value)
    return c.text('')
  })
  app.get('/', (c) => c.json({ user: c.get('session').get('user') }))
  const answer = getRequestListener(app.fetch)
  return { port: await serve((request, response) => void answer(request, response)) }
}

interface Kept {
  session: { get(key: string): unknown; set(key: string, value: unknown): void }
}

interface Saved {
  save(): Promise<void>
}

/** An application of node:http whose sessions are saved by hand. */
export async function nodeApplication<Session extends Saved>(
  open: (...exchange: Parameters<RequestListener>) => Promise<Session>,
): Promise<Application> {
  const server = createServer()
  const port = await serve((request, response) => {
    void (async () => {
      const session = await open(request, response)
      if (request.method === 'POST') {
        const chunks: Uint8Array[] = []
        for await (const chunk of request) chunks.push(chunk)
        Object.assign(session, JSON.parse(Buffer.concat(chunks).toString()))
        await session.save()
      }
      response.end(JSON.stringify({ user: Reflect.get(session, 'user') }))
    })()
  }, server)
  return { port }
}

/** Several libraries declare `session`, each with a type of its own. */
function sessionOf(request: object): object {
  const session: unknown = Reflect.get(request, 'session')
  if (typeof session !== 'object' || session === null) throw new Error('expected a session')
  return session
}
