import {
  type Check,
  type FormerSession,
  type FormerSessions,
  invalidOption,
  like,
  optional,
  readOptions,
  text,
} from '@sess/core/adapter'
import Keygrip from 'keygrip'
import { candidates, cookieName, cookiesAt, firstOf, FORMER_CHECKS, type FormerOptions } from './cookies.js'
import { parseObject } from './json.js'
import { SealedSession } from './sealed-session.js'

/** A `Keygrip`, for an application that signs with another algorithm than SHA-1. */
export interface Signatures {
  verify(data: string, signature: string): boolean
}

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

const signatures = like<Signatures>(
  'the keys of cookie-session: an array of strings that are not empty, or a Keygrip',
  'verify',
)

const keys: Check<Signatures> = (value, path) => {
  if (!Array.isArray(value) || value.length === 0) return signatures(value, path)
  return Keygrip(value.map((key: unknown, index) => text()(key, `${path}[${index}]`)))
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
    keys: optional(keys),
    secret: optional(text()),
    signed: optional(signed),
    ...FORMER_CHECKS,
  })
  if (read.keys !== undefined && read.secret !== undefined)
    throw invalidOption(`${owner}.secret`, read.secret, `nothing, because ${owner}.keys is set`)
  const grip = read.keys ?? (read.secret === undefined ? undefined : Keygrip([read.secret]))
  if (grip === undefined) throw invalidOption(`${owner}.keys`, undefined, 'the keys or the secret of cookie-session')
  const { name, cookie, keep } = read
  const signatureName = `${name}.sig`

  return {
    name: 'cookie-session',
    cookies: cookiesAt(cookie, name, signatureName),
    keep,
    find(valuesOf) {
      const given = candidates(valuesOf, signatureName)
      const isGenuine = (value: string): boolean =>
        given.some((signature) => grip.verify(`${name}=${value}`, signature))
      return firstOf(candidates(valuesOf, name).filter(isGenuine), open)
    },
  }
}

function open(value: string): FormerSession | undefined {
  const values = parseObject(Buffer.from(value, 'base64').toString())
  return values && new SealedSession(value, { values, expiresAt: undefined })
}
