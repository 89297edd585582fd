import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Session, Sessions, Storable } from '@sess/core'
import { assertSessions, oneOf, optional, readOptions, SessError } from '@sess/core/adapter'
import { bridge } from '@sess/core/bridge'
import { requestSession, type SessionPlace } from './request-session.js'
import type { KnownData, RequestSession } from './types.js'

/** The options of `expressSession`. */
export interface ExpressSessionOptions {
  /**
   * What `req.session = null` does to the session: `'keep'` (the default) leaves it in the store as it was, `'destroy'`
   * ends it.
   */
  readonly unset?: 'keep' | 'destroy' | undefined
}

/** Middleware of Express and connect. */
export type SessionMiddleware = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  next: (error?: unknown) => void,
) => void

const CHECKS = { unset: optional(oneOf('keep', 'destroy'), 'keep') }

/**
 * Gives each request `req.session` and `req.sessionID`, as express-session does, over the sessions of `@sess`. In one request,
 * `req.session` and what `sess.open(req, res)` resolves with are one session, so handlers can be moved one by one.
 *
 * What is assigned is stored as JSON makes it. `next` gets the store's error if the session cannot be read. Throws
 * `INVALID_OPTION`.
 */
export function expressSession<D extends Storable<D>>(
  sess: Sessions<D>,
  options: ExpressSessionOptions = {},
): SessionMiddleware {
  assertSessions(
    sess,
    'The first argument of expressSession()',
    "const sess = sessions('redis', { secret, url }); app.use(expressSession(sess))",
  )
  const { unset } = readOptions('expressSession', options, CHECKS)
  return (request, response, next) => {
    if (Reflect.get(request, 'session') === undefined) void open(request, response, next)
    else next()
  }

  async function open(...[request, response, next]: Parameters<SessionMiddleware>): Promise<void> {
    let session
    try {
      session = await sess.open(request, response)
    } catch (error) {
      next(error)
      return
    }
    attach(request, session, unset === 'destroy' ? session.destroy : () => sess.discard(session))
    next()
  }
}

/**
 * `req.session` with the type of its values, for handlers whose `req` does not know it: with the keys of `D` or, without `D`,
 * those that `SessionData` was given, here or in express-session. Throws `INVALID_REQUEST` if the request has no session.
 */
export function sessionOf<D = KnownData>(request: object): RequestSession<D> {
  const session: unknown = Reflect.get(request, 'session')
  if (typeof session === 'object' && session !== null) return session as RequestSession<D>
  throw new SessError(
    'INVALID_REQUEST',
    'The request has no session: mount the middleware before the handler, app.use(expressSession(sess)). After destroy(), there is none either.',
  )
}

function attach(request: object, session: Session<object>, end: () => void): void {
  const bridged = bridge(session)
  /** The id of the session that `req.session` had last. */
  let lastId = ''
  let current: unknown
  const place: SessionPlace = {
    request,
    replace(view) {
      if (view === undefined) lastId = bridged.id
      current = view
    },
  }
  place.replace(requestSession(bridged, place))
  Object.defineProperties(request, {
    session: {
      configurable: true,
      enumerable: true,
      get: () => current,
      set(given: unknown) {
        if (given === current) return
        if (given !== null && given !== undefined) throw notReplaced()
        lastId = bridged.id
        current = given
        end()
      },
    },
    sessionID: {
      configurable: true,
      enumerable: true,
      get: () => (current === undefined || current === null ? lastId : bridged.id),
      set() {
        // A session's id is not chosen by the application.
      },
    },
  })
}

function notReplaced(): SessError {
  return new SessError(
    'INVALID_VALUE',
    'req.session cannot be replaced by another object: assign its keys. req.session = null unsets it.',
  )
}
