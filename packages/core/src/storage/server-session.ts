import { looksLikeToken, type Token } from '../crypto/token.js'
import type { Moment } from '../owners/moment.js'
import type { Membership } from '../owners/membership.js'
import { noteAttempt, noteStored } from '../observing/commit-report.js'
import type { OpenOutcome } from '../observing/messages.js'
import type { Changes } from '../session/merge.js'
import type { Values } from '../session/values.js'
import { applyToNew } from './apply.js'
import { type Found, isSnapshot, isTombstone, type MovedSession, type Snapshot } from './entries.js'
import {
  type Commit,
  type CookieChange,
  isLogin,
  isOwned,
  isPersistent,
  type LoadedSession,
  MAX_TOKENS,
  type NewCookie,
  warnOfForeignToken,
} from './loaded-session.js'
import { abandon, move, type ServerStorageContext, type StoredSession } from './move.js'
import { newestOf, type SessionRecord, type Tombstone, withMaxAge } from './record.js'
import { retryUrgently } from './retry.js'
import { type Departure, moved } from './swaps.js'
import type { TakenOver } from './takeover.js'
import type { TimeLimit } from './time-limit.js'

/** A session that has moved to another token than the request's, or ended. */
interface DepartedSession {
  /** What it held when it moved, and where it is, while it lives under its new token. */
  readonly moved: MovedSession | undefined
}

const NO_CHANGES: Changes = new Map()

/** A session in a server store. The browser carries its token. */
export class ServerSession implements LoadedSession {
  readonly #context: ServerStorageContext
  /** The request's token is an old one: the request sees what the session held when it moved, and stores nothing. */
  readonly #departed: DepartedSession | undefined
  #stored: StoredSession | undefined
  /** It was taken over from another library, so the browser does not have its token yet. */
  #isUnsent = false
  /** All tokens of the request were made with other secrets. */
  #isForeign = false
  /** Older live sessions of the same browser, in cookies of another domain or path. */
  #older: readonly ServerSession[] = []

  private constructor(context: ServerStorageContext, stored?: StoredSession, departed?: DepartedSession) {
    this.#context = context
    this.#stored = stored
    this.#departed = departed
  }

  /** `began`: when the request did, in epoch milliseconds, if that is known. */
  static async find(
    context: ServerStorageContext,
    texts: readonly string[],
    began: number | undefined,
  ): Promise<ServerSession> {
    const tokens = verify(context, texts)
    const [token] = tokens
    if (token === undefined) return ServerSession.#findNone(context, texts)
    if (tokens.length > 1) return ServerSession.#findNewest(context, tokens)
    const limit = context.entries.limit()
    const found = await context.entries.read(token.key, undefined, began)
    return isSnapshot(found)
      ? new ServerSession(context, { token, snapshot: found })
      : ServerSession.#departedFrom(context, found, limit)
  }

  static #findNone(context: ServerStorageContext, texts: readonly string[]): ServerSession {
    const session = new ServerSession(context)
    session.#isForeign = texts.some(looksLikeToken)
    return session
  }

  /** The session that another library's became. It may have moved or ended since. */
  static async takenOver(context: ServerStorageContext, { token, found }: TakenOver): Promise<ServerSession> {
    if (!isSnapshot(found)) return ServerSession.#departedFrom(context, found, context.entries.limit())
    const session = new ServerSession(context, { token, snapshot: found })
    session.#isUnsent = true
    return session
  }

  /** Reads all of them at once: one after the other, they could take several deadlines of the store. */
  static async #findNewest(context: ServerStorageContext, tokens: readonly Token[]): Promise<ServerSession> {
    let tombstone: Found = 'none'
    const live: StoredSession[] = []
    const limit = context.entries.limit()
    const all = await Promise.all(
      tokens.map(async (token) => ({ token, found: await context.entries.read(token.key) })),
    )
    for (const { token, found } of all) {
      if (isSnapshot(found)) live.push({ token, snapshot: found })
      else if (tombstone === 'none') tombstone = found
    }
    const newest = newestOf(live, ({ snapshot }) => snapshot.record)
    if (newest === undefined) return ServerSession.#departedFrom(context, tombstone, limit)
    const session = new ServerSession(context, newest)
    session.#older = live.filter((stored) => stored !== newest).map((stored) => new ServerSession(context, stored))
    return session
  }

  static async #departedFrom(
    context: ServerStorageContext,
    found: Tombstone | 'none',
    limit: TimeLimit,
  ): Promise<ServerSession> {
    if (found === 'none') return new ServerSession(context)
    return new ServerSession(context, undefined, { moved: await limit.bound(context.entries.readMoved(found, limit)) })
  }

  get record(): SessionRecord | undefined {
    return this.#stored?.snapshot.record ?? this.#departed?.moved?.record
  }

  get key(): string | undefined {
    return this.#stored?.token.key ?? this.#departed?.moved?.key
  }

  get outcome(): OpenOutcome {
    if (this.#stored?.token.outdated) return 'rotated'
    if (this.record !== undefined) return 'found'
    return this.#isForeign ? 'foreign' : 'none'
  }

  get isKnown(): boolean {
    return this.#stored !== undefined || this.#departed !== undefined
  }

  get own(): Values | undefined {
    return this.#stored?.snapshot.own ?? this.record?.values
  }

  async reload(): Promise<boolean> {
    const { entries } = this.#context
    if (this.#stored === undefined) return false
    const { token } = this.#stored
    const found = await entries.read(token.key)
    if (!isSnapshot(found)) return false
    this.#stored = { token, snapshot: found }
    return true
  }

  isDue(now: number): boolean {
    if (this.#stored === undefined) return false
    const { token, snapshot } = this.#stored
    return this.#isUnsent || token.outdated || this.#context.lifetime.isExtensionDue(snapshot.record, now)
  }

  sendsCookie({ changes, regenerate, destroy, replaces, maxAge }: Commit, now: number): boolean {
    if (this.#stored === undefined || destroy || replaces)
      return [...changes.values()].some(({ value }) => value !== undefined)
    const { token, snapshot } = this.#stored
    if (regenerate || token.outdated || this.#isUnsent || maxAge !== undefined) return true
    const { record } = snapshot
    return isPersistent(this.#context, record) && this.#context.lifetime.isExtensionDue(record, now)
  }

  commit(commit: Commit): Promise<CookieChange | undefined> {
    const limit = this.#context.entries.limit()
    if (commit.destroy && this.#older.length > 0) return limit.bound(this.#endAll(commit))
    const stored = this.#stored
    if (stored === undefined) return this.#begin(commit, limit)
    if (commit.destroy || commit.replaces) return limit.bound(this.#end(stored, commit, limit))
    return commit.regenerate ? this.#move(stored, commit, limit) : this.#change(stored, commit, limit)
  }

  /** A logout ends the older sessions too: the response cannot clear their cookies, and they would be open again. */
  async #endAll(commit: Commit): Promise<CookieChange | undefined> {
    await Promise.all(this.#older.map((older) => older.commit({ ...commit, changes: NO_CHANGES })))
    this.#older = []
    return this.commit(commit)
  }

  /**
   * Begins a session. The request saw values only if its session ended after an earlier save: changes that depend on
   * them conflict. `replaced`: the session of another user, which has ended.
   */
  async #begin(commit: Commit, limit: TimeLimit, replaced?: SessionRecord): Promise<CookieChange | undefined> {
    const { changes, destroy } = commit
    if (this.#departed !== undefined) {
      // A cookie sent from here, or a cleared one, would replace the cookie that the login has sent.
      if (destroy || changes.size > 0) throw moved()
      return undefined
    }
    const { mint, entries, clock, onConflict, observer } = this.#context
    const record = applyToNew(commit, clock(), onConflict)
    if (Object.keys(record.values).length === 0) return destroy ? 'clear' : undefined
    const token = mint.make()
    const { membership } = this.#context
    const { opened } = commit
    const snapshot =
      membership === undefined || opened === undefined
        ? await entries.create(token.key, record, limit)
        : await this.#beginOwned(token, record, membership, opened, limit)
    noteStored(commit.report, snapshot.data)
    observer.began(record.id)
    this.#tellLogin(commit, record, replaced)
    return this.#keep(token, snapshot)
  }

  /** `from`: what the session was before. */
  #tellLogin(commit: Commit, record: SessionRecord, from: SessionRecord | undefined): void {
    const { observer } = this.#context
    if (observer.observesLogins && isLogin(this.#context, commit, record)) observer.loggedIn(record.id, from?.id)
  }

  /** The entry is stored, then listed, and only then the token leaves: so no live session is unlisted. */
  async #beginOwned(
    token: Token,
    record: SessionRecord,
    membership: Membership,
    opened: Moment,
    limit: TimeLimit,
  ): Promise<Snapshot> {
    const seating = membership.seat(undefined, record, opened, limit)
    // It is awaited below, unless the entry cannot be created.
    seating.catch(() => undefined)
    const snapshot = await this.#context.entries.create(token.key, record, limit)
    try {
      const seat = await seating
      if (seat) await limit.bound(membership.begin(seat, { key: token.key, record }, opened, limit))
      return snapshot
    } catch (error) {
      await abandon(this.#context, token)
      throw error
    }
  }

  async #change(
    { token, snapshot }: StoredSession,
    commit: Commit,
    limit: TimeLimit,
  ): Promise<CookieChange | undefined> {
    const { mint, swaps, clock } = this.#context
    const now = clock()
    const hasChanges = commit.changes.size > 0 || commit.maxAge !== undefined
    // A change extends the session too, unless it has an owner: that needs a step of its own.
    const extended =
      hasChanges && !isOwned(this.#context, snapshot.record)
        ? snapshot
        : await this.#extend({ token, snapshot }, commit, now, limit)
    const changed = hasChanges ? await swaps.change(token.key, extended, commit, now, limit) : extended
    const isExtended = changed.record.touchedAt !== snapshot.record.touchedAt
    const current = token.outdated ? mint.renew(token) : token
    const isUnsent = this.#isUnsent
    const cookie = this.#keep(current, changed)
    const isSent = token.outdated || isUnsent || commit.maxAge !== undefined
    return isSent || (cookie.isPersistent && isExtended) ? cookie : undefined
  }

  /** One attempt is enough: if it fails, another request changed the session and so extended it. */
  async #extend(
    { token, snapshot }: StoredSession,
    { maxAge, report }: Commit,
    now: number,
    limit: TimeLimit,
  ): Promise<Snapshot> {
    const { entries, lifetime, membership } = this.#context
    if (!entries.isAlive(snapshot)) return snapshot
    const record = lifetime.extend(withMaxAge(snapshot.record, maxAge), now)
    const isExtended = record !== snapshot.record
    if (!isExtended && !token.outdated) return snapshot
    // A revoked one has ended, which whatever comes next finds out.
    if (membership && !(await limit.bound(membership.extend({ key: token.key, record }, limit)))) return snapshot
    if (!isExtended) return snapshot
    noteAttempt(report)
    const extended = await entries.update(token.key, record, snapshot.version, limit)
    if (extended === null) return snapshot
    noteStored(report, extended.data)
    return extended
  }

  /**
   * Moves the session to a new token. If it has ended, this request's changes begin another session. If it has moved
   * already, there is nothing left to do for a bare `regenerate`.
   */
  async #move({ token, snapshot }: StoredSession, commit: Commit, limit: TimeLimit): Promise<CookieChange | undefined> {
    let cookie: CookieChange | undefined
    await this.#context.swaps.depart(token.key, snapshot, limit, async (newest) => {
      const outcome = typeof newest === 'string' ? newest : await move(this.#context, token.key, newest, commit, limit)
      if (outcome === 'moved') {
        if (commit.changes.size > 0) throw moved()
      } else if (outcome === 'ended') {
        this.#stored = undefined
        // An owner's session keeps its name when it moves. Once it has ended, nothing else gets that name.
        const isNamedAlike = commit.id === snapshot.record.id
        cookie = await limit.bound(this.#begin(isNamedAlike ? { ...commit, id: undefined } : commit, limit))
      } else {
        if (typeof newest !== 'string') this.#tellLogin(commit, outcome.snapshot.record, newest.record)
        cookie = this.#keep(outcome.token, outcome.snapshot)
      }
      return outcome === 'ended' ? 'ended' : 'moved'
    })
    return cookie
  }

  /** Logout: ends the session. What was assigned after `destroy` begins another one. */
  async #end({ token, snapshot }: StoredSession, commit: Commit, limit: TimeLimit): Promise<CookieChange | undefined> {
    const isReplaced = commit.changes.size > 0
    await this.#context.swaps.depart(token.key, snapshot, limit, (newest) =>
      this.#endFrom(token.key, newest, commit, limit),
    )
    await this.#context.membership?.leave({ key: token.key, record: snapshot.record })
    this.#stored = undefined
    if (!isReplaced) return 'clear'
    try {
      return await this.#begin(commit, limit, commit.replaces ? snapshot.record : undefined)
    } catch (error) {
      await abandon(this.#context, token)
      throw error
    }
  }

  /**
   * The entry is marked by compare-and-swap before it is destroyed. An unconditional destroy could hit the tombstone of
   * a login that this request does not know about, and report a logout that did not happen. If another session begins in
   * the same commit, the mark stays, as at a login. Otherwise a request that still has the old token could begin a third
   * session, whose cookie would replace this one's.
   */
  async #endFrom(key: string, newest: Snapshot | Departure, commit: Commit, limit: TimeLimit): Promise<Departure> {
    if (newest === 'moved') throw moved()
    if (newest === 'ended') return 'ended'
    const { entries, observer } = this.#context
    const isReplaced = commit.changes.size > 0
    let current = newest
    await retryUrgently(limit, async () => {
      noteAttempt(commit.report)
      if (await entries.end(key, current, isReplaced, limit)) {
        observer.ended(current.record.id, 'logout')
        return true
      }
      const found = await entries.read(key, limit)
      if (found === 'none') return true
      if (isTombstone(found)) throw moved()
      current = found
      return undefined
    })
    if (isReplaced) return 'moved'
    await entries.destroy(key, limit)
    return 'ended'
  }

  #keep(token: Token, snapshot: Snapshot): NewCookie {
    this.#stored = { token, snapshot }
    this.#isUnsent = false
    const { record } = snapshot
    const expiresAt = this.#context.lifetime.sentUntil(record)
    return { value: token.text, expiresAt, isPersistent: isPersistent(this.#context, record) }
  }
}

/** The tokens that verify, each session's once. */
function verify(context: ServerStorageContext, texts: readonly string[]): readonly Token[] {
  const tokens: Token[] = []
  for (const text of texts) {
    const token = context.mint.verify(text)
    if (token === null) {
      if (looksLikeToken(text)) warnOfForeignToken(context)
      continue
    }
    const same = tokens.findIndex(({ key }) => key === token.key)
    if (same < 0) tokens.push(token)
    // After a rotation of secrets, the renewed cookie is the one that counts.
    else if (!token.outdated) tokens[same] = token
    if (tokens.length === MAX_TOKENS) break
  }
  return tokens
}
