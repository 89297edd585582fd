import { SessError } from '@sess/core/adapter'
import { Cookie } from './cookie.js'
import type { Callback, SessionMethods, SessionRequest, SessionStore } from './types.js'

/**
 * A session that was read: what express-session's `Session` is.
 *
 * The application's own class could be borrowed, since express-session sets `store.generate`, which makes a session. But that
 * calls the application's `genid`, for a session that nobody gets. And nothing sets `generate` in a program that has the
 * store alone, as one that loads sessions for its sockets. So this is written again.
 */
export class Session implements SessionMethods {
  declare readonly req: SessionRequest
  declare readonly id: string
  declare cookie: Cookie

  /** Throws `CORRUPT` for data without a cookie. */
  constructor(request: SessionRequest, data: object) {
    Object.defineProperty(this, 'req', { value: request })
    Object.defineProperty(this, 'id', { value: request.sessionID })
    for (const [key, value] of Object.entries(data)) {
      // Data must not replace a method, and the order of the keys must stay: express-session compares the session's JSON.
      if (!(key in this)) Reflect.set(this, key, key === 'cookie' ? revived(value) : value)
    }
    if (!Object.hasOwn(this, 'cookie')) throw withoutCookie()
  }

  touch(): this {
    return this.resetMaxAge()
  }

  resetMaxAge(): this {
    this.cookie.maxAge = this.cookie.originalMaxAge
    return this
  }

  save(callback: Callback = () => undefined): this {
    storeOf(this.req).set(this.id, this, callback)
    return this
  }

  reload(callback: Callback): this {
    const { req } = this
    const store = storeOf(req)
    store.get(this.id, (error, data) => {
      let failure = error
      try {
        if (data) store.createSession(req, data)
        // The message is express-session's own.
        else failure ??= new Error('failed to load session')
      } catch (thrown) {
        failure = thrown
      }
      callback(failure)
    })
    return this
  }

  destroy(callback?: Callback): this {
    delete this.req.session
    storeOf(this.req).destroy(this.id, callback)
    return this
  }

  regenerate(callback: Callback): this {
    storeOf(this.req).regenerate(this.req, callback)
    return this
  }
}

/** The cookie of stored data, whose dates are text. */
function revived(stored: unknown): Cookie {
  if (typeof stored !== 'object' || stored === null) throw withoutCookie()
  const { expires, originalMaxAge }: { expires?: unknown; originalMaxAge?: number | null } = stored
  const cookie = new Cookie(stored)
  if (typeof expires === 'string') cookie.expires = new Date(expires)
  // To set `expires` sets this, too.
  cookie.originalMaxAge = originalMaxAge
  return cookie
}

function storeOf({ sessionStore }: SessionRequest): SessionStore {
  if (sessionStore !== undefined) return sessionStore
  throw new SessError(
    'INVALID_REQUEST',
    'The request of this session has no sessionStore. Set request.sessionStore to the store before store.createSession(request, data).',
  )
}

function withoutCookie(): SessError {
  return new SessError(
    'CORRUPT',
    'Cannot read property expires of the cookie of a stored session: it has no cookie. ' +
      'A program that stores sessions by store.set(sid, session) gives each a cookie, as in { cookie: {}, user: 1 }.',
  )
}
