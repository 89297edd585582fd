import { createHmac, hash } from 'node:crypto'
import type { ServerStore } from '../contract.js'
import { MAX_TIME } from '../options/duration.js'
import type { Keyring } from '../crypto/keyring.js'
import type { Token, TokenMint } from '../crypto/token.js'
import { isSessError } from '../error.js'
import type { Membership } from '../owners/membership.js'
import { requestsShareIo } from '../request-io.js'
import { jsonOf } from '../session/json.js'
import { unreserved } from '../session/reserved.js'
import type { Values } from '../session/values.js'
import { answerOf } from './answer.js'
import { type Found, isSnapshot, type SessionEntries, type Snapshot } from './entries.js'
import type { FormerSession } from './former.js'
import { type FormerFound, type FormerVisit, readFormer } from './former-visit.js'
import type { Lifetime } from './lifetime.js'
import type { StorageContext } from './loaded-session.js'
import { type SessionRecord, takenOver } from './record.js'
import { TimeLimit } from './time-limit.js'

/** The most that a browser keeps a cookie (RFC 6265bis), in milliseconds. */
export const LONGEST_COOKIE_MS: number = 400 * 24 * 60 * 60 * 1000

/** Requests that came before a session was taken over are over by then. */
const LEAST_MARKER_MS = 24 * 60 * 60 * 1000

/** How long they may take where the session goes into the browser, whose store has no deadline. */
export const FORMER_STORES: { readonly name: string; readonly deadline: number } = { name: 'former', deadline: 5000 }

/** A session that was taken over, by this request or an earlier one, and what is under its token now. */
export interface TakenOver {
  readonly token: Token
  readonly found: Found
}

/** Where one session of another library goes. Each request with its cookie computes the same. */
interface Destination {
  readonly token: Token
  /** The key of the entry that says that the session was taken over. It outlives the session and its former cookie. */
  readonly marker: string
}

interface TakeoversContext extends StorageContext {
  readonly mint: TokenMint
  readonly entries: SessionEntries
  readonly membership: Membership | undefined
}

/**
 * Takes sessions of other libraries over into a server store, each once: the token is computed from the former session's id
 * and the secret, so requests that come at the same time get one session. Then a marker is stored, and the former session
 * is removed. A former cookie that comes after a logout finds the marker, and opens nothing.
 */
export class Takeovers {
  readonly #store: ServerStore
  readonly #context: TakeoversContext
  readonly #keys: readonly Uint8Array[]

  constructor(store: ServerStore, keyring: Keyring, context: TakeoversContext) {
    this.#store = store
    this.#context = context
    this.#keys = keyring.keys('former')
  }

  /** `undefined`: the request has no session of another library that is alive. */
  async find(visit: FormerVisit): Promise<TakenOver | undefined> {
    const limit = this.#context.entries.limit()
    for (const found of await limit.bound(visit.sessions())) {
      const taken = await this.#takeOver(found, limit)
      if (taken === undefined) continue
      visit.take(found.former)
      return taken
    }
    return undefined
  }

  async #takeOver(former: FormerFound, limit: TimeLimit): Promise<TakenOver | undefined> {
    const { clock, lifetime } = this.#context
    const destinations = this.#destinations(former)
    const [destination] = destinations
    const earlier = await this.#taken(destinations, limit)
    if (earlier !== undefined || destination === undefined) return earlier?.now
    const now = clock()
    const read = await recordOf(former, now, lifetime, limit)
    // Another request may have taken it over, and removed it, since the markers were read.
    if (read === undefined) return (await this.#taken(destinations, limit))?.now
    const snapshot = await this.#keep(destination, read.record, limit)
    // What stays may be extended by its library. What is removed may still be a cookie that carries everything.
    const last = former.former.keep ? undefined : read.expiresAt
    await this.#mark(destination, Math.max(last ?? now + LONGEST_COOKIE_MS, now + LEAST_MARKER_MS))
    this.#context.observer.tookOver(former.former.name)
    if (!former.former.keep) await this.#removeQuietly(former, limit)
    return snapshot && { token: destination.token, found: snapshot }
  }

  /** `undefined`: it was not taken over. `now`: what has become of it, `undefined` if nothing is left. */
  async #taken(
    destinations: readonly Destination[],
    limit: TimeLimit,
  ): Promise<{ readonly now: TakenOver | undefined } | undefined> {
    for (const { token, marker } of destinations) {
      limit.check()
      if ((await answerOf(this.#store, this.#store.read(marker))) === null) continue
      const found = await this.#context.entries.read(token.key, limit)
      return { now: found === 'none' ? undefined : { token, found } }
    }
    return undefined
  }

  async #mark({ marker }: Destination, until: number): Promise<void> {
    const expiresAt = Math.min(Math.ceil(until), MAX_TIME)
    await answerOf(this.#store, this.#store.create(marker, { data: '1', expiresAt }))
  }

  /** Resolves with what is stored: another request may have been first. `undefined`: all sessions of the user were ended. */
  async #keep({ token }: Destination, record: SessionRecord, limit: TimeLimit): Promise<Snapshot | undefined> {
    const { entries, membership, observer } = this.#context
    const created = await entries.claim(token.key, record, limit)
    const snapshot = created ?? (await entries.read(token.key, limit))
    if (snapshot === 'none' || !isSnapshot(snapshot)) return undefined
    try {
      const session = { key: token.key, record: snapshot.record }
      if (membership) await limit.bound(membership.takeOver(session, limit))
      if (created) observer.began(created.record.id)
      return snapshot
    } catch (error) {
      if (!isSessError(error) || error.code !== 'CONFLICT') throw error
      await entries.destroy(token.key, limit)
      return undefined
    }
  }

  #destinations({ former, session }: FormerFound): readonly Destination[] {
    const message = JSON.stringify([1, this.#context.cookieName, former.name, session.id])
    return this.#keys.map((key) => {
      const bytes = createHmac('sha256', key).update(message).digest()
      const marker = hash('sha256', Buffer.concat([Buffer.from('former'), bytes]), 'base64url')
      return { token: this.#context.mint.of(bytes), marker: `f${marker}` }
    })
  }

  async #removeQuietly({ session }: FormerFound, limit: TimeLimit): Promise<void> {
    try {
      await limit.bound(session.end())
    } catch (error) {
      // It is taken over once, whether it is still there or not.
      this.#context.onError(error)
    }
  }
}

/** The record of a former session, and what to do once a cookie has it. */
export interface TakenRecord {
  readonly record: SessionRecord
  /** `undefined`: nothing. */
  readonly onSent: (() => void) | undefined
}

/** Requests that were sent with the former cookie may still come, and find nothing but the former session. */
const REMOVAL_MS = 60_000

function removeLater(session: FormerSession, onError: (error: unknown) => void): void {
  // Elsewhere a timer ends with its request, and the session stays until it ends by itself.
  if (!requestsShareIo()) return
  setTimeout(() => void session.end().catch(onError), REMOVAL_MS).unref()
}

/** The record of a former session that goes into the browser. Nothing keeps a browser from sending the former cookie again. */
export async function takeOverIntoCookie(
  visit: FormerVisit,
  context: StorageContext,
): Promise<TakenRecord | undefined> {
  const limit = new TimeLimit(FORMER_STORES)
  for (const found of await limit.bound(visit.sessions())) {
    const read = await recordOf(found, context.clock(), context.lifetime, limit)
    if (read === undefined) continue
    visit.take(found.former)
    context.observer.tookOver(found.former.name)
    return {
      record: read.record,
      onSent: found.former.keep ? undefined : () => removeLater(found.session, context.onError),
    }
  }
  return undefined
}

/** The record of a former session: it ends when that would have ended, if it is not used again. */
interface FormerRecord {
  readonly record: SessionRecord
  /** When the former session ends, in epoch milliseconds. `undefined`: nobody knows. */
  readonly expiresAt: number | undefined
}

/** `undefined`: it has ended, or holds nothing. */
async function recordOf(
  former: FormerFound,
  now: number,
  lifetime: Lifetime,
  limit: TimeLimit,
): Promise<FormerRecord | undefined> {
  const data = await readFormer(former, now, limit)
  const values = data && valuesOf(data.values)
  if (data === undefined || values === undefined) return undefined
  const { expiresAt } = data
  const record = takenOver(now, values)
  if (expiresAt === undefined) return { record, expiresAt }
  if (expiresAt <= now) return undefined
  return { record: { ...record, touchedAt: Math.max(Math.floor(expiresAt - lifetime.idleOf(record)), 1) }, expiresAt }
}

/** The values as JSON carries them, under keys that a session can have. `undefined`: there are none. */
function valuesOf(given: Readonly<Record<string, unknown>>): Values | undefined {
  const entries = Object.entries(given).flatMap(([key, value]) => {
    const json = jsonOf(value, key)
    return json === undefined ? [] : [[unreserved(key), json] as const]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
