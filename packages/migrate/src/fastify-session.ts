import { type FormerSessions, optional, readOptions, text } from '@sess/core/adapter'
import { type CallbackStore, callbackStore, sessionIn } from './callback-store.js'
import { cookieName, FORMER_CHECKS, type FormerOptions } from './cookies.js'
import { type Secrets, secrets } from './secrets.js'
import { signedIds } from './signed-id.js'

/** The options that the application had with @fastify/session. A wrong option throws `INVALID_OPTION`, which names it. */
export interface FastifySessionOptions extends FormerOptions {
  /** The store of @fastify/session. Only its `get` and `destroy` are called. */
  readonly store: CallbackStore
  /** The secret of @fastify/session, or several with the newest first. */
  readonly secret: Secrets
  /** The cookie's name. Default `'sessionId'`. */
  readonly cookieName?: string | undefined
  /** What the cookie has before the id, such as `'s:'`. Default `''`. */
  readonly cookiePrefix?: string | undefined
}

/**
 * The sessions of @fastify/session 11, in any store that it takes, with ids that it signed with SHA-256: the id,
 * `.` and the signature (https://github.com/fastify/fastify-cookie/blob/main/signer.js). Their values are everything but
 * `cookie`. A session has ended at `cookie.expires`.
 *
 * What the store reports as an error is `UNAVAILABLE`, and what it returns under an id but is not a session is `CORRUPT`.
 */
export function fastifySession(options: FastifySessionOptions): FormerSessions {
  const { store, cookiePrefix, ...read } = readOptions('fastifySession', options, {
    store: callbackStore,
    secret: secrets,
    cookieName: optional(cookieName, 'sessionId'),
    cookiePrefix: optional(text({ pattern: /^/, expected: 'a string' }), ''),
    ...FORMER_CHECKS,
  })
  const library = '@fastify/session'
  return signedIds({ ...read, name: library, prefix: cookiePrefix, sessionOf: sessionIn(store, library, 'ended') })
}
