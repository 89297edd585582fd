import { SessError, shorten } from '../error.js'
import type { Changes, ConflictPolicy } from '../session/merge.js'
import type { Values } from '../session/values.js'
import type { Moment } from '../owners/moment.js'
import type { CommitReport } from '../observing/commit-report.js'
import type { OpenOutcome } from '../observing/messages.js'
import type { Observer } from '../observing/observer.js'
import type { OwnerKey } from '../owners/owner-id.js'
import type { Warnings } from '../warnings.js'
import type { FormerSessions } from './former.js'
import type { Lifetime } from './lifetime.js'
import { isRemembered, maxAgeOf, type SessionRecord } from './record.js'

/** What one request does to its session. */
export interface Commit {
  readonly changes: Changes
  /** The values that the request saw, which `changes` depend on. */
  readonly shown: Values
  readonly regenerate: boolean
  /** Whether the session that begins or moves is to be remembered. `undefined`: as it was. */
  readonly remember: boolean | undefined
  /** The idle timeout of its own that the session is to have, in milliseconds; 0 for none. `undefined`: as it was. */
  readonly maxAge: number | undefined
  /** Ends the session first; `changes` then belong to a new one. */
  readonly destroy: boolean
  /** The user logs in over another one: `changes` belong to a new session, and the old one ends. */
  readonly replaces: boolean
  /** The `id` of a session that begins or moves. `undefined`: a new one. */
  readonly id: string | undefined
  /** When the request opened its session. `undefined`: sessions have no owners. */
  readonly opened: Moment | undefined
  /** Where its attempts are noted. */
  readonly report: CommitReport
}

/** Whether a commit would only extend the session, or renew its cookie. */
export function isExtension({ changes, regenerate, destroy, maxAge }: Commit): boolean {
  return changes.size === 0 && !regenerate && !destroy && maxAge === undefined
}

/**
 * How many of a request's tokens are tried. A browser has one or, after the cookie's domain or path was changed, a few.
 * A header can have hundreds, and each costs a read of the store.
 */
export const MAX_TOKENS = 5

export const PLACE_LENGTH = 6

/** A cookie for one response. */
export interface NewCookie {
  readonly value: string
  readonly expiresAt: number
  /** It survives a restart of the browser. */
  readonly isPersistent: boolean
}

/** A new cookie, or `'clear'` to remove the one that there is. */
export type CookieChange = NewCookie | 'clear'

/** The session that a request's cookie names, in a store of either kind. */
export interface LoadedSession {
  /** As last read or stored; `undefined` if there is no session. */
  readonly record: SessionRecord | undefined
  /** Its key in the store. `undefined`: there is no session, or the store keeps none. */
  readonly key: string | undefined
  /** How it was opened. */
  readonly outcome: OpenOutcome
  /** There is a session, or one that has ended or moved a moment ago: nothing of another library takes its place. */
  readonly isKnown: boolean
  /** The values right after this request's last commit. `record` may have changes of others that were stored with it. */
  readonly own: Values | undefined
  /** Whether the session must be extended, or its cookie sent again, although nothing has changed. */
  isDue(now: number): boolean
  /** Whether this commit would resolve with a cookie to set. */
  sendsCookie(commit: Commit, now: number): boolean
  /** Reads the session again. Resolves with `false` if it has ended or moved. */
  reload(): Promise<boolean>
  /** Stores the commit. Resolves with the change of the cookie. `undefined`: the cookie stays as it is. */
  commit(commit: Commit): Promise<CookieChange | undefined>
}

/** How the sessions of one application are stored. */
export interface StorageContext {
  readonly clock: () => number
  readonly lifetime: Lifetime
  readonly onConflict: ConflictPolicy
  /** As configured, without a prefix. */
  readonly cookieName: string
  /** Identifies the domain, the path and the partitioning of the cookie: `''` by default, else `PLACE_LENGTH` characters. */
  readonly cookiePlace: string
  /** Each session's cookie carries its expiry, so it is sent again when the session is extended. */
  readonly persistent: boolean
  /** The sessions of other libraries that are taken over. */
  readonly migrate: readonly FormerSessions[]
  readonly warnings: Warnings
  readonly observer: Observer
  /** Reads the owner of a session. `undefined`: sessions have no owners. */
  readonly ownerKey: OwnerKey | undefined
  /** The most sessions of one owner. */
  readonly maxPerOwner: number | undefined
  /** Called with errors that no request sees. */
  readonly onError: (error: unknown) => void
}

/** Whether the cookie of the session survives a restart of the browser. */
export function isPersistent({ persistent }: StorageContext, record: SessionRecord): boolean {
  return persistent || isRemembered(record) || maxAgeOf(record) !== undefined
}

/** Whether a commit that began or moved a session, which is `stored` now, was a login: `LoginMessage` says what that is. */
export function isLogin(context: StorageContext, { changes, regenerate }: Commit, stored: SessionRecord): boolean {
  return changes.size > 0 && (context.ownerKey === undefined ? regenerate : isOwned(context, stored))
}

/** Whether the session is listed with those of its owner. */
export function isOwned({ ownerKey }: StorageContext, { values }: SessionRecord): boolean {
  return ownerKey?.ownerOf(values) !== undefined
}

/** Warns about a cookie that has our name and the shape of a token, but was made with another secret. */
export function warnOfForeignToken({ cookieName, warnings }: StorageContext): void {
  warnings.once(
    'SESS_FOREIGN_TOKEN',
    `A cookie named '${cookieName}' was made with another secret. Do two applications on this host use the same cookie name? ` +
      'Give them one secret to share sessions, or different values of cookie.name.',
  )
}

/** Throws `TOO_LARGE` for data over `maxBytes`, naming the largest keys. */
export function assertFits(data: string, values: Values, store: { name: string; maxBytes: number }): void {
  // A UTF-16 code unit is at most three bytes, so most sessions need no count.
  if (data.length * 3 <= store.maxBytes) return
  const bytes = Buffer.byteLength(data)
  if (bytes <= store.maxBytes) return
  const largest = Object.entries(values)
    .map(([key, value]) => ({ key, bytes: Buffer.byteLength(`${JSON.stringify(key)}:${JSON.stringify(value)}`) }))
    .toSorted((one, other) => other.bytes - one.bytes)
    .slice(0, 3)
    .map(({ key, bytes: size }) => `${shorten(JSON.stringify(key))} (${size} bytes)`)
  throw new SessError(
    'TOO_LARGE',
    `The session has ${bytes} bytes; the ${store.name} store takes ${store.maxBytes}. Its largest keys: ${largest.join(', ')}.`,
  )
}
