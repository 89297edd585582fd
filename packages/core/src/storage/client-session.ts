import type { ClientStore } from '../contract.js'
import { looksLikeToken } from '../crypto/token.js'
import { type CommitReport, noteStored } from '../observing/commit-report.js'
import type { OpenOutcome } from '../observing/messages.js'
import type { Values } from '../session/values.js'
import { apply, applyToMoved, applyToNew } from './apply.js'
import {
  assertFits,
  type Commit,
  type CookieChange,
  isLogin,
  isPersistent,
  type LoadedSession,
  MAX_TOKENS,
  PLACE_LENGTH,
  type StorageContext,
  warnOfForeignToken,
} from './loaded-session.js'
import {
  decode,
  encode,
  endRecord,
  isEnd,
  isRecord,
  isRemembered,
  newestOf,
  remembered,
  type SessionRecord,
} from './record.js'
import type { TakenRecord } from './takeover.js'

/** A session as a cookie carries it. */
interface Carried {
  readonly record: SessionRecord
  readonly outdated: boolean
  readonly place: string
}

/** A session that the browser carries whole, so there is nothing to merge with and nothing to revoke. */
export class ClientSession implements LoadedSession {
  readonly #store: ClientStore
  readonly #context: StorageContext
  #record: SessionRecord | undefined
  #outdated: boolean
  /** The browser has a cookie of another domain or path that opens a live session: no response can clear it. */
  readonly #isMisplaced: boolean
  /** One of its cookies survives a restart of the browser. */
  readonly #isRemembered: boolean

  /** It was taken over from another library, and no cookie has it yet. */
  #unsent: TakenRecord | undefined
  readonly isKnown: boolean
  readonly outcome: OpenOutcome

  /** `isForeign`: all tokens of the request were made with other secrets. */
  private constructor(store: ClientStore, context: StorageContext, live: readonly Carried[], isForeign = false) {
    this.#store = store
    this.#context = context
    const newest = newestOf(live, ({ record }) => record)
    this.#record = newest && !isEnd(newest.record) ? newest.record : undefined
    this.isKnown = newest !== undefined
    this.#outdated = newest?.outdated ?? false
    this.outcome = this.#record !== undefined ? (this.#outdated ? 'rotated' : 'found') : isForeign ? 'foreign' : 'none'
    this.#isRemembered = live.some(({ record }) => isRemembered(record))
    this.#isMisplaced = live.length > 1 || (newest !== undefined && newest.place !== context.cookiePlace)
  }

  static async find(store: ClientStore, context: StorageContext, tokens: readonly string[]): Promise<ClientSession> {
    const { clock, lifetime } = context
    const live: Carried[] = []
    let tried = 0
    let isForeign = false
    for (const token of tokens) {
      const opened = await store.open(token)
      if (opened === null) {
        if (looksLikeToken(token)) {
          isForeign = true
          warnOfForeignToken(context)
        }
        continue
      }
      const { data, expiresAt, outdated } = opened
      const start = lengthOfPlace(data)
      const record = decode({ data: data.slice(start), expiresAt })
      if (record && isRecord(record)) {
        if (expiresAt > clock() && lifetime.isAlive(record, clock()))
          live.push({ record, outdated, place: data.slice(0, start) })
        else if (!isEnd(record)) context.observer.expired(record.id)
      }
      if (++tried === MAX_TOKENS) break
    }
    return new ClientSession(store, context, live, isForeign && tried === 0)
  }

  /** Begins with the record of another library's session. */
  static takenOver(store: ClientStore, context: StorageContext, taken: TakenRecord): ClientSession {
    const { record } = taken
    const session = new ClientSession(store, context, [{ record, outdated: false, place: context.cookiePlace }])
    session.#unsent = taken
    return session
  }

  get record(): SessionRecord | undefined {
    return this.#record
  }

  readonly key = undefined

  get own(): Values | undefined {
    return this.#record?.values
  }

  /** The browser has it, so there is nothing to read again. */
  async reload(): Promise<boolean> {
    return this.#record !== undefined
  }

  isDue(now: number): boolean {
    return (
      this.#record !== undefined &&
      (this.#unsent !== undefined || this.#outdated || this.#context.lifetime.isExtensionDue(this.#record, now))
    )
  }

  sendsCookie({ changes, destroy }: Commit): boolean {
    return changes.size > 0 || (!destroy && this.#record !== undefined)
  }

  async commit(commit: Commit): Promise<CookieChange | undefined> {
    const was = this.#unsent ? undefined : this.#record
    if (commit.destroy) this.#record = undefined
    const now = this.#context.clock()
    if (this.#record === undefined && commit.changes.size === 0) {
      const change = commit.destroy ? await this.#clear(now) : undefined
      if (was) this.#context.observer.ended(was.id, 'logout')
      return change
    }
    const applied = this.#apply(commit, now)
    // A change counts as newer than what was read: the browser may keep that too, in a cookie of another path.
    const record = { ...applied, touchedAt: Math.max(now, applied.touchedAt) }
    const change = await this.#seal(record, commit.report)
    this.#tell(commit, was, record)
    return change
  }

  /** `was`: what the browser had. */
  #tell(commit: Commit, was: SessionRecord | undefined, record: SessionRecord): void {
    const { observer } = this.#context
    const before = commit.destroy ? undefined : was
    if (commit.destroy && was) observer.ended(was.id, 'logout')
    if (before === undefined) observer.began(record.id)
    const mayBeLogin = before === undefined || commit.regenerate
    if (mayBeLogin && observer.observesLogins && isLogin(this.#context, commit, record))
      observer.loggedIn(record.id, before?.id)
  }

  /** A response can clear only the cookie of its own domain and path, so an older one is outdone instead. */
  async #clear(now: number): Promise<CookieChange> {
    if (!this.#isMisplaced) return 'clear'
    const cookie = await this.#seal(remembered(endRecord(now), this.#isRemembered))
    this.#record = undefined
    return cookie
  }

  async #seal(record: SessionRecord, report?: CommitReport): Promise<CookieChange> {
    const { lifetime, cookiePlace } = this.#context
    const data = cookiePlace + encode(record)
    assertFits(data, record.values, this.#store)
    const value = await this.#store.seal({ data, expiresAt: lifetime.keepUntil(record) })
    noteStored(report, data)
    this.#record = record
    this.#outdated = false
    this.#unsent?.onSent?.()
    this.#unsent = undefined
    return { value, expiresAt: lifetime.sentUntil(record), isPersistent: isPersistent(this.#context, record) }
  }

  #apply(commit: Commit, now: number): SessionRecord {
    if (this.#record === undefined) return applyToNew(commit, now, 'overwrite')
    if (commit.regenerate) return applyToMoved(this.#record, commit, now, 'overwrite')
    return apply(this.#record, commit, now, { lifetime: this.#context.lifetime, onConflict: 'overwrite' })
  }
}

/** A record begins with a bracket. Before it is the place of its cookie, unless that is the default one. */
function lengthOfPlace(data: string): number {
  return data.startsWith('[') ? 0 : PLACE_LENGTH
}
