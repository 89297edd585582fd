import type { Changes, ConflictPolicy } from './change.js'
import type { Content } from './content.js'
import type { CookieChange } from './cookie.js'
import { SessError, shorten } from './error.js'
import type { Fields } from './fields.js'
import type { Lifetime } from './lifetime.js'

/** What one request wants done to its session. */
export interface Work {
  readonly changes: Changes
  /** The fields that the request saw, which `changes` rest on. */
  readonly shown: Fields
  readonly regenerate: boolean
  /** Ends the session first; `changes` then belong to a new one. */
  readonly destroy: boolean
}

/** One request's hold on the session that its cookie names, in a store of either kind. */
export interface Hold {
  /** As last read or stored; `undefined` where there is no session. */
  readonly content: Content | undefined
  /** Whether the session is to be extended, or its cookie made anew, though nothing has changed. */
  isDue(now: number): boolean
  /** Does the work, and says what becomes of the cookie; `undefined`: it stays. */
  commit(work: Work): Promise<CookieChange | undefined>
}

/** How the sessions of one application are kept. */
export interface Terms {
  readonly clock: () => number
  readonly lifetime: Lifetime
  readonly onConflict: ConflictPolicy
  /** Whether a cookie carries its expiry, and so is sent again when the session is extended. */
  readonly persistent: boolean
  /** Called for a cookie under our name that has the shape of a token and is none of ours. */
  readonly onForeignToken: () => void
}

/** Refuses data over `maxBytes`, naming the keys that it owes its size to. */
export function assertFits(data: string, fields: Fields, store: { name: string; maxBytes: number }): void {
  // A UTF-16 code unit is at most three bytes, so most sessions need no count.
  if (data.length * 3 <= store.maxBytes) return
  const bytes = Buffer.byteLength(data)
  if (bytes <= store.maxBytes) return
  const largest = Object.entries(fields)
    .map(([key, value]) => ({ key, bytes: Buffer.byteLength(`${JSON.stringify(key)}:${JSON.stringify(value)}`) }))
    .toSorted((one, other) => other.bytes - one.bytes)
    .slice(0, 3)
    .map(({ key, bytes: size }) => `${shorten(JSON.stringify(key))} (${size} bytes)`)
  throw new SessError(
    'TOO_LARGE',
    `The session has ${bytes} bytes; the ${store.name} store takes ${store.maxBytes}. Its largest keys: ${largest.join(', ')}.`,
  )
}
