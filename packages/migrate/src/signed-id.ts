import type { FormerSession, FormerSessions } from '@sess/core/adapter'
import { type CookiePlace, cookiesAt, decodedCandidates, firstOf } from './cookies.js'
import { type Secret, verified } from './secrets.js'

interface SignedIds {
  /** What messages call the library. */
  readonly name: string
  readonly cookieName: string
  /** What the cookie has before the id and its signature. */
  readonly prefix: string
  readonly secret: readonly Secret[]
  readonly cookie: CookiePlace
  readonly keep: boolean
  readonly sessionOf: (id: string) => FormerSession
}

/** The sessions in a store whose ids are in a cookie as `prefix`, then the id, `.` and its signature, percent-encoded. */
export function signedIds({ name, cookieName, prefix, secret, cookie, keep, sessionOf }: SignedIds): FormerSessions {
  function open(value: string): FormerSession | undefined {
    if (!value.startsWith(prefix)) return undefined
    const id = verified(value.slice(prefix.length), secret)
    return id === undefined ? undefined : sessionOf(id)
  }
  return {
    name,
    cookies: cookiesAt(cookie, cookieName),
    keep,
    find: (valuesOf) => firstOf(decodedCandidates(valuesOf, cookieName), open),
  }
}
