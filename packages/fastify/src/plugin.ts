import type { Session, Sessions } from '@sess/core'
import { assertSessions, codeOf, flag, isError, optional, readOptions, SessError } from '@sess/core/adapter'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { fastifyPlugin } from 'fastify-plugin'
import { awaitable } from './awaitable.js'

/**
 * What `request.session` holds. Add your own keys:
 *
 *     declare module '@sess/fastify' {
 *       interface Visitor { user: string }
 *     }
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- Applications add to it.
export interface Visitor {}

/** The options of the plugin. */
export interface SessFastifyOptions {
  /** What `sessions(…)` returned. */
  readonly sess: Sessions<Visitor>
  /**
   * Whether the sessions are closed when the application closes. Default `true`. `false` is for sessions that outlive it:
   * close them yourself.
   */
  readonly close?: boolean | undefined
}

/** What the plugin adds to a request. */
interface WithSession {
  /**
   * The session of this request, as `sess.open(request.raw, reply.raw)` resolves with it. The first use loads it. Rejects
   * with the store's error, such as `UNAVAILABLE`; with `DISABLED` if sessions are off; and with `INVALID_REQUEST` in a
   * hook that was added before the plugin, and once the request has become a WebSocket, which has no response.
   */
  readonly session: Promise<Session<Visitor>>
}

declare module 'fastify' {
  // Inherited, so that another plugin's `session` comes before it in an application that has the types of both.
  // oxlint-disable-next-line typescript/no-empty-object-type -- It merges with Fastify's.
  interface FastifyRequest extends WithSession {}
}

/** Where a request keeps its reply, which Fastify does not tell it. */
const REPLY = Symbol('@sess/fastify.reply')

/** What Fastify itself reads of a plugin's options. */
const FASTIFY_OPTIONS = new Set(['prefix', 'logLevel', 'logSerializers'])

/**
 * Gives each request of this scope and of the scopes in it `request.session`, and closes the sessions when the application
 * closes. A scope within may register other sessions. Throws `INVALID_OPTION`, also if this scope already has a
 * `request.session`.
 */
export const sessFastify: FastifyPluginAsync<SessFastifyOptions> = fastifyPlugin(plugin, {
  fastify: '5.x',
  name: '@sess/fastify',
})

/** What a request of the plugin's scopes has. `null` until the plugin's hook has run. */
interface Placed extends FastifyRequest {
  [REPLY]: FastifyReply | null
  /** Of @fastify/websocket: whether the request asks for a WebSocket. */
  readonly ws?: boolean
}

async function plugin(app: FastifyInstance, given: SessFastifyOptions): Promise<void> {
  const { sess, close } = readOptions('sessFastify', withoutFastifys(given), {
    sess: sessionsOf,
    close: optional(flag, true),
  })
  decorate(app, sess)
  if (!app.hasRequestDecorator(REPLY)) {
    app.decorateRequest(REPLY, null)
    app.addHook('onRequest', (request, reply, done) => {
      ;(request as Placed)[REPLY] = reply
      done()
    })
  }
  if (close) app.addHook('onClose', () => sess.close())
}

function decorate(app: FastifyInstance, sess: Sessions<Visitor>): void {
  const open = async (request: Placed): Promise<Session<Visitor>> => {
    const reply = request[REPLY]
    if (reply === null) throw tooEarly()
    if (request.ws === true && reply.sent) throw ofWebSocket()
    return sess.open(request.raw, reply.raw)
  }
  try {
    app.decorateRequest('session', {
      getter() {
        return awaitable(open(this as Placed))
      },
    })
  } catch (error) {
    throw isError(error) && codeOf(error) === 'FST_ERR_DEC_ALREADY_PRESENT' ? occupied(error) : error
  }
}

function withoutFastifys(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !FASTIFY_OPTIONS.has(name)))
}

function sessionsOf(value: unknown): Sessions<Visitor> {
  assertSessions(
    value,
    'Option sess of sessFastify',
    "const sess = sessions('redis', { secret, url }); app.register(sessFastify, { sess })",
  )
  return value as Sessions<Visitor>
}

function occupied(cause: Error): SessError {
  return new SessError(
    'INVALID_OPTION',
    'This scope of the application already has a request.session, of sessFastify or of another plugin. Register sessFastify once in a scope; ' +
      'for other sessions, register it inside app.register(async (scope) => { … }).',
    { cause },
  )
}

function tooEarly(): SessError {
  return new SessError(
    'INVALID_REQUEST',
    'request.session was used before the onRequest hook of sessFastify ran. Register sessFastify before the hooks and the scopes that use it.',
  )
}

function ofWebSocket(): SessError {
  return new SessError(
    'INVALID_REQUEST',
    'This request became a WebSocket, and has no response that could store a session. Read the session with sess.read(request.raw).',
  )
}
