import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { type AnyData, type Session, sessions } from '@sess/core'
import { expect } from 'vitest'
import { SECRET } from './secret.ts'
import { serve } from './served.ts'
import { TroubledStore } from './troubled-store.ts'
import { expectUsable } from './visit.ts'
import { headerOf, type Message, Wire } from './wire.ts'

type FetchHandler = (request: Request) => Response | Promise<Response>

/** How an application uses sessions, on Node or in a fetch handler. */
export interface Visit {
  /** Called by a handler of Node's requests before it answers. */
  node(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Called by a wrapped fetch handler before it answers. */
  fetch(request: Request): Promise<void>
  wrap(handler: FetchHandler): FetchHandler
}

/** An application that gives one answer, and the request for it. */
export interface Application {
  readonly name: string
  readonly method?: string
  /** The request's header lines. */
  readonly headers?: readonly string[]
  readonly body?: string
  readonly listener: (visit: Visit) => RequestListener | Promise<RequestListener>
}

const NO_SESSION: Visit = { node: async () => undefined, fetch: async () => undefined, wrap: (handler) => handler }

/** Opens the session and passes it to `use`. */
function using(use: (session: Session<AnyData>) => unknown, store: TroubledStore): Visit {
  const sess = sessions(store, { secret: SECRET, onError: () => undefined })
  return {
    node: async (req, res) => void use(await sess.open(req, res)),
    fetch: async (req) => void use(await sess.open(req)),
    wrap: (handler) => sess.fetch(handler),
  }
}

const doNothing = (): void => undefined
const read = (session: Session<AnyData>): unknown => session['visits']
const write = (session: Session<AnyData>): unknown => session.update('visits', () => 1)

async function request({ method = 'GET', headers = [], body, listener }: Application, visit: Visit): Promise<Wire> {
  const answer = await listener(visit)
  const port = await serve((req, res) => {
    if (req.url === '/again') res.end('again')
    else answer(req, res)
  })
  const wire = await Wire.open(port)
  wire.send(method, '/', headers, body)
  return wire
}

async function responseOf(application: Application, visit: Visit): Promise<Message> {
  const wire = await request(application, visit)
  return wire.response(application.method !== 'HEAD')
}

/** The parts of a response that are compared. Ignores chunk boundaries and the header lines that match `without`. */
function contents(message: Message, without: readonly RegExp[] = []): unknown {
  const lines = message.headers
    .toSorted(([one], [other]) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1))
    .map(([name, value]) => `${name.toLowerCase()}: ${value}`)
  const headers = lines.filter((line) => ![DATE, ...without].some((pattern) => pattern.test(line)))
  return { status: message.status, reason: message.reason, headers, body: message.body }
}

/** The members of a list header such as Vary, in lower case. */
function members(message: Message, name: string): ReadonlySet<string> {
  const values = headerOf(message, name).flatMap((value) => value.split(','))
  return new Set(values.map((value) => value.trim().toLowerCase()))
}

const DATE = /^date:/i
const VARY = /^vary:/i
const CACHE_CONTROL = /^cache-control:/i
const SET_COOKIE = /^set-cookie: sess=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/i
const KEEP_ALIVE = /^(?:connection: keep-alive|keep-alive: .*)$/i

/** A session that is opened but not used does not change the response. */
export async function expectUntouched(application: Application): Promise<void> {
  const expected = await responseOf(application, NO_SESSION)
  const message = await responseOf(application, using(doNothing, new TroubledStore()))
  expect(contents(message)).toEqual(contents(expected))
}

/** A session that is read changes only the Vary header. */
export async function expectVaryAlone(application: Application): Promise<void> {
  const expected = await responseOf(application, NO_SESSION)
  const message = await responseOf(application, using(read, new TroubledStore()))
  expect(members(message, 'vary')).toEqual(new Set([...members(expected, 'vary'), 'cookie']))
  expect(contents(message, [VARY])).toEqual(contents(expected, [VARY]))
}

/** While the store is slow nothing is sent; once it answers, the response is complete. */
export async function expectHeld(application: Application): Promise<void> {
  const expected = await responseOf(application, NO_SESSION)
  const store = new TroubledStore()
  store.stall()
  const wire = await request(application, using(write, store))
  await store.reached
  // Bytes sent by mistake would have arrived by now.
  for (let turns = 0; turns < 5; turns++) await turn()
  expect(wire.received).toBe('')
  store.release()
  const message = await wire.response(application.method !== 'HEAD')
  const changed = [VARY, CACHE_CONTROL]
  expect(contents(message, [SET_COOKIE, ...changed])).toEqual(contents(expected, changed))
  expect(message.headers.filter(([name, value]) => SET_COOKIE.test(`${name}: ${value}`))).toHaveLength(1)
  expect(members(message, 'vary')).toEqual(new Set([...members(expected, 'vary'), 'cookie']))
  const directives = [...members(expected, 'cache-control')].filter((directive) => directive !== 'public')
  expect(members(message, 'cache-control')).toEqual(new Set(['private', ...directives]))
  expect(store.methods).toEqual(['create'])
}

/** What an error response loses of the response that it replaces. `Vary` may have more fields. */
export const LOST: RegExp =
  /^(?:content-(?:type|length|encoding|disposition|range)|etag|last-modified|set-cookie|cache-control|accept-ranges|location|trailer|transfer-encoding|connection|keep-alive|upgrade|vary)(?::|$)/i

/** If the store fails, the response is a plain 503 that keeps other headers, and the connection stays usable. */
export async function expectRefused(application: Application): Promise<void> {
  const replaced = await responseOf(application, NO_SESSION)
  const store = new TroubledStore()
  store.isDown = true
  const wire = await request(application, using(write, store))
  const message = await wire.response(application.method !== 'HEAD')
  const kept = replaced.headers.filter(([name]) => !LOST.test(name) && name !== 'Date')
  const headers = [
    ...kept.map(([name, value]) => `${name.toLowerCase()}: ${value}`),
    'cache-control: no-store',
    'content-length: 24',
    'content-type: text/plain; charset=utf-8',
  ]
  expect(contents(message, [KEEP_ALIVE, VARY])).toEqual({
    status: 503,
    reason: 'Service Unavailable',
    headers: headers.toSorted(),
    body: application.method === 'HEAD' ? '' : '503 Service Unavailable\n',
  })
  await expectUsable(wire)
}
