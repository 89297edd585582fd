import { type FormerData, type FormerSessions, optional, readOptions } from '@sess/core/adapter'
import { cookieName, FORMER_CHECKS, type FormerOptions } from './cookies.js'
import type { JsonObject } from './json.js'
import { type Signatures, signatures, signedJson } from './signed-json.js'

/** The options that the application had with koa-session. A wrong option throws `INVALID_OPTION`, which names it. */
export interface KoaSessionOptions extends FormerOptions {
  /** The cookie's name. Default `'koa.sess'`. The signature is in a second cookie, called the same with `.sig` after it. */
  readonly key?: string | undefined
  /** `app.keys` of Koa, newest first, or its `Keygrip`. */
  readonly keys: readonly (string | undefined)[] | Signatures
}

/**
 * The sessions that koa-session 5 to 7 keeps in the cookie: JSON in base64, with when it ends, signed with `app.keys`
 * (`encode` in https://github.com/koajs/session/blob/master/src/util.ts). A session in a store, whose cookie has only its
 * key, is not taken over, and neither is one that is not signed or that the application has encoded itself.
 */
export function koaSession(options: KoaSessionOptions): FormerSessions {
  const { key, keys, cookie, keep } = readOptions('koaSession', options, {
    key: optional(cookieName, 'koa.sess'),
    keys: signatures('Koa, app.keys'),
    ...FORMER_CHECKS,
  })
  return signedJson({ library: 'koa-session', name: key, keys, cookie, keep, dataOf })
}

/** What koa-session keeps for itself. A session that ends with the browser has no `_expire`. */
const OWN = new Set(['_expire', '_maxAge', '_session'])

function dataOf(json: JsonObject): FormerData {
  const { _expire: expiresAt } = json
  return {
    values: Object.fromEntries(Object.entries(json).filter(([key]) => !OWN.has(key))),
    expiresAt: typeof expiresAt === 'number' ? expiresAt : undefined,
  }
}
