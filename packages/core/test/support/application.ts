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

/** What an application does about sessions, wherever it answers. */
export interface Visit {
  /** In a handler of Node's requests, before it answers. */
  node(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** In a fetch handler that was wrapped, before it answers. */
  fetch(request: Request): Promise<void>
  wrap(handler: FetchHandler): FetchHandler
}

/** An application that gives one answer, and the request for it. */
export interface Application {
  readonly name: string
  readonly method?: string
  /** Lines. */
  readonly headers?: readonly string[]
  readonly body?: string
  readonly listener: (visit: Visit) => RequestListener | Promise<RequestListener>
}

const NO_SESSION: Visit = { node: async () => undefined, fetch: async () => undefined, wrap: (handler) => handler }

/** Opens the session, and does this with it. */
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

/** What two responses must have alike, however their bodies were cut into chunks; without the header lines that match. */
function contents(message: Message, without: readonly RegExp[] = []): unknown {
  const lines = message.headers
    .toSorted(([one], [other]) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1))
    .map(([name, value]) => `${name.toLowerCase()}: ${value}`)
  const headers = lines.filter((line) => ![DATE, ...without].some((pattern) => pattern.test(line)))
  return { status: message.status, reason: message.reason, headers, body: message.body }
}

/** The members of a header that is a list, in any order and case. */
function members(message: Message, name: string): ReadonlySet<string> {
  const values = headerOf(message, name).flatMap((value) => value.split(','))
  return new Set(values.map((value) => value.trim().toLowerCase()))
}

const DATE = /^date:/i
const VARY = /^vary:/i
const CACHE_CONTROL = /^cache-control:/i
const SET_COOKIE = /^set-cookie: sess=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/i
const KEEP_ALIVE = /^(?:connection: keep-alive|keep-alive: .*)$/i

/** With an opened session that was not used, the response is what it is without sessions. */
export async function expectUntouched(application: Application): Promise<void> {
  const expected = await responseOf(application, NO_SESSION)
  const message = await responseOf(application, using(doNothing, new TroubledStore()))
  expect(contents(message)).toEqual(contents(expected))
}

/** With a session that was read, it is so but for Vary. */
export async function expectVaryAlone(application: Application): Promise<void> {
  const expected = await responseOf(application, NO_SESSION)
  const message = await responseOf(application, using(read, new TroubledStore()))
  expect(members(message, 'vary')).toEqual(new Set([...members(expected, 'vary'), 'cookie']))
  expect(contents(message, [VARY])).toEqual(contents(expected, [VARY]))
}

/** With a slow store nothing leaves before it has answered, and then nothing is missing. */
export async function expectHeld(application: Application): Promise<void> {
  const expected = await responseOf(application, NO_SESSION)
  const store = new TroubledStore()
  store.stall()
  const wire = await request(application, using(write, store))
  await store.reached
  // Whatever was to leave by mistake would have by now.
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

/** With a store that fails, the response is 503 and nothing else, and the connection goes on. */
export async function expectRefused(application: Application): Promise<void> {
  const store = new TroubledStore()
  store.isDown = true
  const wire = await request(application, using(write, store))
  const message = await wire.response(application.method !== 'HEAD')
  // Of compression, which may lie beneath.
  const beneath = /^vary: accept-encoding$/i
  expect(contents(message, [KEEP_ALIVE, beneath])).toEqual({
    status: 503,
    reason: 'Service Unavailable',
    headers: ['cache-control: no-store', 'content-length: 24', 'content-type: text/plain; charset=utf-8'],
    body: application.method === 'HEAD' ? '' : '503 Service Unavailable\n',
  })
  await expectUsable(wire)
}
