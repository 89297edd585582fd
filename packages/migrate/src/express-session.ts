import { type FormerSessions, optional, readOptions } from '@sess/core/adapter'
import { type CallbackStore, callbackStore, sessionIn } from './callback-store.js'
import { cookieName, FORMER_CHECKS, type FormerOptions } from './cookies.js'
import { type Secrets, secrets } from './secrets.js'
import { signedIds } from './signed-id.js'

/** How express-session carries an id: `setcookie` in https://github.com/expressjs/session/blob/master/index.js */
export const EXPRESS_COOKIE = { name: 'connect.sid', prefix: 's:' } as const

/** The options that the application had with express-session. A wrong option throws `INVALID_OPTION`, which names it. */
export interface ExpressSessionOptions extends FormerOptions {
  /** The store of express-session, such as a `RedisStore` of connect-redis. Only its `get` and `destroy` are called. */
  readonly store: CallbackStore
  /** The secret of express-session, or several with the newest first. */
  readonly secret: Secrets
  /** The cookie's name. Default `'connect.sid'`. */
  readonly name?: string | undefined
}

/**
 * The sessions of express-session 1, in any store that it takes. Their values are everything but `cookie`.
 *
 * The store decides whether a session is alive, as it did for express-session. A store with a method `touch` may extend a
 * session and leave `cookie.expires` as it was: if that time is past, `expiresAt` is `undefined`. In a store without `touch`,
 * a session ends at `cookie.expires`.
 *
 * What the store reports as an error is `UNAVAILABLE`, and what it returns under an id but is not a session is `CORRUPT`.
 */
export function expressSession(options: ExpressSessionOptions): FormerSessions {
  const { store, name, ...read } = readOptions('expressSession', options, {
    store: callbackStore,
    secret: secrets,
    name: optional(cookieName, EXPRESS_COOKIE.name),
    ...FORMER_CHECKS,
  })
  const library = 'express-session'
  const sessionOf = sessionIn(store, library, 'touch' in store ? 'alive' : 'ended')
  return signedIds({ ...read, name: library, cookieName: name, prefix: EXPRESS_COOKIE.prefix, sessionOf })
}
