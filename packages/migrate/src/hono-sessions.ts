import { type FormerSession, type FormerSessions, optional, readOptions } from '@sess/core/adapter'
import { cookieName, cookiesAt, decodedCandidates, FORMER_CHECKS, type FormerOptions, oneOrMore } from './cookies.js'
import { ironPassword, parseSeal, unsealed } from './iron-seal.js'
import { isObject, type JsonObject, parseObject } from './json.js'
import { SealedSession } from './sealed-session.js'

/** The options that the application had with hono-sessions. A wrong option throws `INVALID_OPTION`, which names it. */
export interface HonoSessionsOptions extends FormerOptions {
  /** The cookie's name. Default `'session'`. */
  readonly sessionCookieName?: string | undefined
  /** The key of hono-sessions, at least 32 characters, or several. */
  readonly encryptionKey: string | undefined | readonly (string | undefined)[]
}

/**
 * The sessions of the `CookieStore` of hono-sessions: seals (https://github.com/brc-dd/iron-webcrypto) of JSON with the values
 * and when they end (https://github.com/jcs224/hono_sessions/blob/main/src/store/CookieStore.ts). A value is
 * `{ value, flash }` there. Sessions in its other stores are not taken over.
 */
export function honoSessions(options: HonoSessionsOptions): FormerSessions {
  const { sessionCookieName, encryptionKey, cookie, keep } = readOptions('honoSessions', options, {
    sessionCookieName: optional(cookieName, 'session'),
    encryptionKey: oneOrMore(ironPassword('hono-sessions')),
    ...FORMER_CHECKS,
  })
  return {
    name: 'hono-sessions',
    cookies: cookiesAt(cookie, sessionCookieName),
    keep,
    async find(valuesOf) {
      for (const seal of decodedCandidates(valuesOf, sessionCookieName)) {
        for (const key of encryptionKey) {
          const session = await open(seal, key)
          if (session !== undefined) return session
        }
      }
      return undefined
    },
  }
}

async function open(seal: string, key: string): Promise<FormerSession | undefined> {
  const content = parseSeal(seal) && contentOf(await unsealed(seal, key))
  const data = content?.['_data']
  if (!isObject(data) || content?.['_delete'] === true) return undefined
  const values = Object.entries(data).flatMap(([name, one]) => (isObject(one) ? [[name, one['value']] as const] : []))
  const expire = content?.['_expire']
  const expiresAt = typeof expire === 'string' ? new Date(expire).getTime() : Number.NaN
  return new SealedSession(seal, {
    values: Object.fromEntries(values),
    expiresAt: Number.isNaN(expiresAt) ? undefined : expiresAt,
  })
}

/** The library seals a text of JSON, so the seal has JSON of JSON. */
function contentOf(sealed: string | undefined): JsonObject | undefined {
  const inner = parseObject(`{"sealed":${sealed ?? 'null'}}`)?.['sealed']
  return typeof inner === 'string' ? parseObject(inner) : undefined
}
