import { looksLikeToken, type Token, type TokenMint } from '../crypto/token.js'
import { isSessError } from '../error.js'
import { merge } from '../session/merge.js'
import { applyToNew } from './apply.js'
import type { SessionEntries, Snapshot } from './entries.js'
import {
  type Commit,
  type CookieChange,
  type LoadedSession,
  type StorageContext,
  warnOfForeignToken,
} from './loaded-session.js'
import { newRecord, type SessionRecord } from './record.js'
import { retry } from './retry.js'
import { ended, moved, type Swaps } from './swaps.js'

/** How the sessions of one application are stored in a server store. */
export interface ServerStorageContext extends StorageContext {
  readonly mint: TokenMint
  readonly entries: SessionEntries
  readonly swaps: Swaps
}

/** A session as it was last read or stored, and the token that opens it. */
interface StoredSession {
  readonly token: Token
  readonly snapshot: Snapshot
}

/** A session in a server store. The browser carries its token. */
export class ServerSession implements LoadedSession {
  readonly #context: ServerStorageContext
  #stored: StoredSession | undefined
  /** The request's token is an old one: its session has moved to another token, and no other token opens a session. */
  #hasMoved: boolean

  private constructor(context: ServerStorageContext, stored?: StoredSession, hasMoved = false) {
    this.#context = context
    this.#stored = stored
    this.#hasMoved = hasMoved
  }

  static async find(context: ServerStorageContext, tokens: readonly string[]): Promise<ServerSession> {
    let hasMoved = false
    for (const text of tokens) {
      const token = context.mint.verify(text)
      if (token === null) {
        if (looksLikeToken(text)) warnOfForeignToken(context)
        continue
      }
      const found = await context.entries.read(token.key)
      if (found === 'moved') hasMoved = true
      else if (found !== 'none') return new ServerSession(context, { token, snapshot: found })
    }
    return new ServerSession(context, undefined, hasMoved)
  }

  get record(): SessionRecord | undefined {
    return this.#stored?.snapshot.record
  }

  isDue(now: number): boolean {
    if (this.#stored === undefined) return false
    const { token, snapshot } = this.#stored
    return token.outdated || this.#context.lifetime.isExtensionDue(snapshot.record, now)
  }

  commit(commit: Commit): Promise<CookieChange | undefined> {
    const stored = this.#stored
    if (stored === undefined) return this.#begin(commit)
    if (commit.destroy) return this.#end(stored, commit)
    return commit.regenerate ? this.#move(stored, commit) : this.#change(stored, commit)
  }

  /**
   * Begins a session. The request saw values only if its session ended after an earlier save: changes that depend on
   * them conflict.
   */
  async #begin(commit: Commit): Promise<CookieChange | undefined> {
    const { changes, regenerate, destroy } = commit
    // Here only a login may begin a session: any other new cookie would replace the one that the earlier login sent.
    if (this.#hasMoved && (destroy || (changes.size > 0 && !regenerate))) throw moved()
    const { mint, entries, clock, onConflict } = this.#context
    const record = applyToNew(commit, clock(), onConflict)
    if (Object.keys(record.values).length === 0) return destroy ? 'clear' : undefined
    const token = mint.make()
    return this.#keep(token, await entries.create(token.key, record))
  }

  async #change({ token, snapshot }: StoredSession, commit: Commit): Promise<CookieChange | undefined> {
    const { mint, swaps, clock, persistent } = this.#context
    const now = clock()
    const changed =
      commit.changes.size === 0
        ? await this.#extend({ token, snapshot }, now)
        : await swaps.change(token.key, snapshot, commit, now)
    const isExtended = changed.record.touchedAt !== snapshot.record.touchedAt
    const current = token.outdated ? mint.renew(token) : token
    const cookie = this.#keep(current, changed)
    return token.outdated || (persistent && isExtended) ? cookie : undefined
  }

  /** One attempt is enough: if it fails, another request changed the session and so extended it. */
  async #extend({ token, snapshot }: StoredSession, now: number): Promise<Snapshot> {
    const { entries, lifetime } = this.#context
    if (!entries.isAlive(snapshot)) return snapshot
    const record = lifetime.extend(snapshot.record, now)
    if (record === snapshot.record) return snapshot
    return (await entries.update(token.key, record, snapshot.version)) ?? snapshot
  }

  /**
   * Login: moves the session to a new token. Creating the new entry and then destroying the old one would lose what
   * another request writes in between, and would let that request bring the session back under the old token. So the
   * new entry is created first. Then the old entry becomes a tombstone or, if it has changed, is read again and carried
   * over. If the old entry is gone, the new session has only this request's changes. If these depend on what is gone,
   * they conflict. If there are none, no session begins.
   */
  async #move(stored: StoredSession, commit: Commit): Promise<CookieChange | undefined> {
    const { mint, entries, clock, onConflict } = this.#context
    const begun = newRecord(clock(), {})
    const token = mint.make()
    let old = entries.isAlive(stored.snapshot) ? stored.snapshot : await this.#reread(stored)
    let successor: Snapshot | undefined
    try {
      const done = await retry(async () => {
        const record = { ...begun, values: merge(old?.record.values ?? {}, commit.shown, commit.changes, onConflict) }
        const next = successor
          ? await entries.update(token.key, record, successor.version)
          : await entries.create(token.key, record)
        if (next === null) throw ended()
        successor = next
        if (old === undefined || (await entries.bury(stored.token.key, old.version))) return successor
        old = await this.#reread(stored)
        return undefined
      })
      if (old !== undefined || Object.keys(done.record.values).length > 0) return this.#keep(token, done)
    } catch (error) {
      if (successor && !isUnavailable(error)) await this.#abandon(token)
      throw error
    }
    await this.#abandon(token)
    this.#stored = undefined
    return undefined
  }

  async #reread({ token }: StoredSession): Promise<Snapshot | undefined> {
    const found = await this.#context.entries.read(token.key)
    this.#hasMoved = found === 'moved'
    return typeof found === 'string' ? undefined : found
  }

  /** Removes an entry that no browser has a token for. If that fails, the entry expires on its own. */
  async #abandon(token: Token): Promise<void> {
    await this.#context.entries.destroy(token.key).catch(() => undefined)
  }

  /**
   * Logout: ends the session. The entry is marked by compare-and-swap before it is destroyed. An unconditional destroy
   * could hit the tombstone of a login that this request does not know about, and report a logout that did not happen.
   * If another session begins in the same commit, the old entry becomes a tombstone, as at a login. Otherwise a request
   * that still has the old token could begin a third session, whose cookie would replace this one's.
   */
  async #end(stored: StoredSession, commit: Commit): Promise<CookieChange | undefined> {
    const { entries } = this.#context
    const { key } = stored.token
    const isReplaced = commit.changes.size > 0
    let { version } = stored.snapshot
    await retry(async () => {
      if (isReplaced ? await entries.bury(key, version) : await entries.end(key, version)) return true
      const found = await entries.read(key)
      if (found === 'moved') throw moved()
      if (found === 'none') return true
      version = found.version
      return undefined
    })
    if (!isReplaced) await entries.destroy(key)
    this.#stored = undefined
    if (!isReplaced) return 'clear'
    try {
      return await this.#begin(commit)
    } catch (error) {
      await this.#abandon(stored.token)
      throw error
    }
  }

  #keep(token: Token, snapshot: Snapshot): CookieChange {
    this.#stored = { token, snapshot }
    this.#hasMoved = false
    return { value: token.text, expiresAt: this.#context.lifetime.keepUntil(snapshot.record) }
  }
}

function isUnavailable(error: unknown): boolean {
  return isSessError(error) && error.code === 'UNAVAILABLE'
}
