import {
  type Check,
  type FormerData,
  type FormerSessions,
  invalidOption,
  optional,
  readOptions,
  text,
} from '@sess/core/adapter'
import Keygrip from 'keygrip'
import { cookieName, FORMER_CHECKS, type FormerOptions } from './cookies.js'
import type { JsonObject } from './json.js'
import { type Signatures, signatures, signedJson } from './signed-json.js'

/** The options that the application had with cookie-session. A wrong option throws `INVALID_OPTION`, which names it. */
export interface CookieSessionOptions extends FormerOptions {
  /** The cookie's name. Default `'session'`. The signature is in a second cookie, called the same with `.sig` after it. */
  readonly name?: string | undefined
  /** The keys of cookie-session, newest first, or its `Keygrip`. Either `keys` or `secret`. */
  readonly keys?: readonly (string | undefined)[] | Signatures | undefined
  /** The secret of cookie-session, if it had no `keys`. */
  readonly secret?: string | undefined
  /** Default `true`. `false` is `INVALID_OPTION`: anyone can write a session that is not signed. */
  readonly signed?: true | undefined
}

const signed: Check<true> = (value, path) => {
  if (value === true) return value
  throw invalidOption(path, value, 'true, or no such option: anyone can write a session that is not signed')
}

/**
 * The sessions of cookie-session 2: JSON in base64 in one cookie, and in another one the HMAC of `name=value`
 * (`encode` in https://github.com/expressjs/cookie-session/blob/master/index.js, `set` in
 * https://github.com/pillarjs/cookies/blob/master/index.js). `expiresAt` is `undefined`, because only the browser knows
 * when such a session ends. A session that is not signed is refused.
 */
export function cookieSession(options: CookieSessionOptions): FormerSessions {
  const owner = 'cookieSession'
  const read = readOptions(owner, options, {
    name: optional(cookieName, 'session'),
    keys: optional(signatures('cookie-session')),
    secret: optional(text()),
    signed: optional(signed),
    ...FORMER_CHECKS,
  })
  if (read.keys !== undefined && read.secret !== undefined)
    throw invalidOption(`${owner}.secret`, read.secret, `nothing, because ${owner}.keys is set`)
  const grip = read.keys ?? (read.secret === undefined ? undefined : Keygrip([read.secret]))
  if (grip === undefined) throw invalidOption(`${owner}.keys`, undefined, 'the keys or the secret of cookie-session')
  const { name, cookie, keep } = read
  return signedJson({ library: 'cookie-session', name, keys: grip, cookie, keep, dataOf })
}

function dataOf(values: JsonObject): FormerData {
  return { values, expiresAt: undefined }
}
