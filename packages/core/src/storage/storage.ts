import type { ServerStore, Store } from '../contract.js'
import type { Keyring } from '../crypto/keyring.js'
import { TokenMint } from '../crypto/token.js'
import { SessError } from '../error.js'
import type { CommitMessage, CommitWork } from '../observing/messages.js'
import { Membership } from '../owners/membership.js'
import { type Moment, nextMoment } from '../owners/moment.js'
import { OwnedEntries } from '../owners/owned-entries.js'
import { Owners } from '../owners/owners.js'
import { Rosters } from '../owners/rosters.js'
import { KeyConflict } from '../session/merge.js'
import { forLaterCallers, requestsShareIo } from '../request-io.js'
import { ClientSession } from './client-session.js'
import { SessionEntries } from './entries.js'
import { InFlight } from './in-flight.js'
import {
  type Commit,
  type CookieChange,
  isExtension,
  isPersistent,
  type LoadedSession,
  type StorageContext,
} from './loaded-session.js'
import type { OpenStore, StoreUser } from './open-store.js'
import { FormerVisit } from './former-visit.js'
import type { SessionRecord } from './record.js'
import { ServerSession } from './server-session.js'
import { Swaps } from './swaps.js'
import { SwapsInTurn } from './swaps-in-turn.js'
import { FORMER_STORES, LONGEST_COOKIE_MS, Takeovers, takeOverIntoCookie } from './takeover.js'
import { TimeLimit } from './time-limit.js'
import { Watches } from './watches.js'

/** The sessions of one application, in its store. */
export class SessionStorage {
  readonly #opened: OpenStore
  readonly #user: WeakRef<StoreUser>
  readonly #context: StorageContext
  readonly #sessions: SessionFinder
  readonly #commits = new InFlight()
  readonly #leave = () => this.#commits.leave()
  /** The last extension failed, and `onError` knows. */
  #failsToExtend = false
  #closing: Promise<void> | undefined
  /** The store may be closed, or others may use it. */
  #hasLeft = false

  constructor(opened: OpenStore, keyring: Keyring, context: StorageContext) {
    this.#opened = opened
    this.#context = context
    this.#sessions = finder(opened.store, keyring, context)
    this.#user = opened.join(context)
  }

  /**
   * The newest session that the tokens open, or one that is taken over, or a new one. Rejects with `CLOSED` after `close`.
   * `began`: when the request did, in epoch milliseconds, if that is known.
   */
  find(tokens: readonly string[], visit: FormerVisit | undefined, began?: number): Promise<LoadedSession> {
    if (this.#closing) return Promise.reject(closed())
    const { observer } = this.#context
    if (!observer.observesOpens) return this.#find(tokens, visit, began)
    return observer.open(async () => this.#find(tokens, visit, began))
  }

  #find(tokens: readonly string[], visit: FormerVisit | undefined, began: number | undefined): Promise<LoadedSession> {
    const finding = this.#sessions.find(tokens, began)
    return visit === undefined ? finding : this.#findOrTakeOver(finding, visit)
  }

  async #findOrTakeOver(finding: Promise<LoadedSession>, visit: FormerVisit): Promise<LoadedSession> {
    const found = await finding
    if (found.isKnown) return found
    return (await this.#sessions.takeOver(visit)) ?? found
  }

  /** What a request has of the sessions that are taken over. `valuesOf`: the values of its cookies of a name. */
  visit(valuesOf: (name: string) => readonly string[]): FormerVisit | undefined {
    const { migrate } = this.#context
    return migrate.length === 0 ? undefined : new FormerVisit(migrate, valuesOf)
  }

  /** `undefined`: sessions have no owners. */
  get owners(): Owners | undefined {
    return this.#sessions.owners
  }

  /**
   * A signal that is aborted when the session that the tokens open ends. `isOver`: whether the request that asks is over.
   */
  async watch(
    tokens: readonly string[],
    visit: FormerVisit | undefined,
    everyMs: number,
    isOver: () => boolean,
  ): Promise<AbortSignal> {
    const { watches } = this.#sessions
    if (watches === undefined) throw unwatched(this.#opened.store.name)
    const { record, key } = await this.find(tokens, visit)
    return record === undefined || key === undefined
      ? AbortSignal.abort()
      : watches().add({ key, record }, everyMs, isOver)
  }

  /** The present moment, where sessions have owners. */
  now(): Moment | undefined {
    return this.#sessions.owners && nextMoment(this.#context.clock())
  }

  /** Whether a session can be remembered. */
  get remembers(): boolean {
    return this.#context.lifetime.remembers
  }

  /** When the session was last used. The stamp of one that was taken over may be ahead, so that it ends when it would have. */
  lastUseOf({ touchedAt }: SessionRecord): number {
    return Math.min(touchedAt, this.#context.clock())
  }

  /** When the session ends if it is not used again, in epoch milliseconds. */
  endOf(record: SessionRecord): number {
    return this.#context.lifetime.expiresAt(record)
  }

  /** How long the browser keeps a session's cookie without use, in milliseconds. `undefined`: until it is closed. */
  cookieMaxAge(record: SessionRecord): number | undefined {
    return isPersistent(this.#context, record) ? this.#context.lifetime.idleOf(record) : undefined
  }

  /** Stores a commit; `close` waits for it. A logout ends the sessions of other libraries that the request has, too. */
  commit(session: LoadedSession, commit: Commit, visit: FormerVisit | undefined): Promise<CookieChange | undefined> {
    if (isExtension(commit)) return this.#track(this.#extend(session, commit))
    const send = (): Promise<CookieChange | undefined> => this.#send(session, commit)
    return this.#track(commit.destroy && visit ? visit.end(new TimeLimit(FORMER_STORES)).then(send) : send())
  }

  /** Lists or ends the sessions of an owner; `close` waits for it. Rejects with `CLOSED` after `close`. */
  withOwners<T>(owners: Owners, work: (owners: Owners) => Promise<T>): Promise<T> {
    return this.#closing ? Promise.reject(closed()) : this.#track(work(owners))
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#commits.enter()
    work.then(this.#leave, this.#leave)
    return work
  }

  /**
   * A request that only read has all that it asked for, so a failure does not fail its response: the next request tries
   * again. `onError` gets the first one, and no other until an extension has succeeded. On a store that takes no
   * writes, every request would report one.
   */
  async #extend(session: LoadedSession, commit: Commit): Promise<CookieChange | undefined> {
    try {
      const cookie = await this.#send(session, commit)
      this.#failsToExtend = false
      return cookie
    } catch (error) {
      if (!this.#failsToExtend) this.#context.onError(error)
      this.#failsToExtend = true
      return undefined
    }
  }

  #send(session: LoadedSession, commit: Commit): Promise<CookieChange | undefined> {
    if (this.#hasLeft && this.#opened.isShared) return Promise.reject(closed())
    return this.#context.observer.observesCommits ? this.#sendObserved(session, commit) : session.commit(commit)
  }

  #sendObserved(session: LoadedSession, commit: Commit): Promise<CookieChange | undefined> {
    const { observer } = this.#context
    const was = session.record?.id
    return observer.commit(describe(commit, was), async (report) => {
      try {
        const change = await session.commit({ ...commit, report })
        // A session that was to move has another name if it had ended, and another one has begun.
        if (report && session.record && !commit.destroy) report.id = session.record.id
        return change
      } catch (error) {
        if (error instanceof KeyConflict) observer.conflicted(was, error.key)
        throw error
      }
    })
  }

  /** Waits for the commits in flight, then leaves the store. */
  close(): Promise<void> {
    if (this.#closing) return this.#closing
    const closing = this.#close()
    this.#closing = forLaterCallers(closing)
    return closing
  }

  async #close(): Promise<void> {
    if (requestsShareIo()) await this.#commits.idle()
    this.#hasLeft = true
    this.#sessions.watches?.().close()
    await this.#opened.leave(this.#user)
  }
}

/** What a commit does to the session whose public name `was` that. `undefined`: there is none. */
function describe(commit: Commit, was: string | undefined): Pick<CommitMessage, 'id' | 'previous' | 'work'> {
  const work = workOf(commit, was !== undefined)
  const id = work === 'end' ? was : (commit.id ?? was)
  return {
    ...(id !== undefined && { id }),
    ...(work === 'rotate' && was !== undefined && was !== id && { previous: was }),
    work,
  }
}

function workOf(commit: Commit, isStored: boolean): CommitWork {
  if (commit.destroy) return 'end'
  if (!isStored) return 'create'
  if (commit.replaces || commit.regenerate) return 'rotate'
  return isExtension(commit) ? 'extend' : 'update'
}

function unwatched(store: string): SessError {
  return new SessError(
    'INVALID_OPTION',
    `sess.watch needs a store on a server: nobody can say when a session of the ${store} store ends, which the browser holds.`,
  )
}

function closed(): SessError {
  return new SessError('CLOSED', 'These sessions are closed.')
}

interface SessionFinder {
  readonly find: (tokens: readonly string[], began: number | undefined) => Promise<LoadedSession>
  /** The session of another library. `undefined`: there is none. */
  readonly takeOver: (visit: FormerVisit) => Promise<LoadedSession | undefined>
  readonly owners: Owners | undefined
  /** `undefined`: nobody can say when a session ends. */
  readonly watches: (() => Watches) | undefined
}

function finder(store: Store, keyring: Keyring, context: StorageContext): SessionFinder {
  if (store.kind === 'client')
    return {
      find: (tokens) => ClientSession.find(store, context, tokens),
      async takeOver(visit) {
        const taken = await takeOverIntoCookie(visit, context)
        return taken && ClientSession.takenOver(store, context, taken)
      },
      owners: undefined,
      watches: undefined,
    }
  const entries = new SessionEntries(store, context)
  const mint = new TokenMint(keyring, context.cookieName)
  const swaps = requestsShareIo() ? new Swaps(entries, context) : new SwapsInTurn(entries, context)
  const { owners, membership } = ownersOf(store, entries, context)
  const serverContext = { ...context, entries, swaps, mint, membership }
  const watches = new Watches(entries, context)
  const takeovers = new Takeovers(store, keyring, serverContext)
  return {
    find: (tokens, began) => ServerSession.find(serverContext, tokens, began),
    async takeOver(visit) {
      const taken = await takeovers.find(visit)
      return taken && ServerSession.takenOver(serverContext, taken)
    },
    owners,
    // A timer of one request asks for no other request.
    watches: () => (requestsShareIo() ? watches : new Watches(entries, context)),
  }
}

/** Longer than a request lasts. */
const LEAST_MEMORY_MS = 60 * 60 * 1000

interface OwnersAndMembership {
  readonly owners: Owners | undefined
  readonly membership: Membership | undefined
}

function ownersOf(store: ServerStore, stored: SessionEntries, context: StorageContext): OwnersAndMembership {
  const { ownerKey: key, maxPerOwner, lifetime, clock, migrate, onError, observer } = context
  if (key === undefined) return { owners: undefined, membership: undefined }
  // What was revoked may come as a cookie of another library for as long as a browser keeps that.
  const least = migrate.length > 0 ? LONGEST_COOKIE_MS : LEAST_MEMORY_MS
  const memory = Math.max(lifetime.longestIdle, least)
  const rosters = new Rosters(store, { clock, memory, isGathered: requestsShareIo() })
  const entries = new OwnedEntries(stored, observer)
  const shared = { key, maxPerOwner, entries, rosters, lifetime, clock }
  const owners = new Owners({ ...shared, onError })
  return { owners, membership: new Membership({ ...shared, owners }) }
}
