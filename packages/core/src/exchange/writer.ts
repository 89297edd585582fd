import type { Moment } from '../owners/moment.js'
import type { OwnerId } from '../owners/owner-id.js'
import type { Draft } from '../session/draft.js'
import type { Change, Changes } from '../session/merge.js'
import { type Commit, type CookieChange, isExtension, type LoadedSession } from '../storage/loaded-session.js'
import { isTakenOver, maxAgeOf, newId, newRecord, type SessionRecord, withMaxAge } from '../storage/record.js'
import type { FormerVisit } from '../storage/former-visit.js'
import type { SessionStorage } from '../storage/storage.js'

/** The changes of a request, and the values that they depend on. */
type Drafted = Pick<Commit, 'changes' | 'shown'>

const NOTHING: Drafted = { changes: new Map(), shown: {} }

/** Ends the session, and stores nothing. */
const END: Commit = {
  changes: new Map(),
  shown: {},
  regenerate: false,
  remember: undefined,
  maxAge: undefined,
  destroy: true,
  replaces: false,
  id: undefined,
  opened: undefined,
  report: undefined,
}

/** What an assignment of the owner's key does: nothing, moves the session, or replaces it by one of another user. */
type OwnerChange = 'none' | 'moves' | 'replaces'

/** The changes that the new user's session gets. An object of the old user's session that was altered in place is left out. */
function assigned(changes: Changes): Drafted {
  return { changes: new Map([...changes].filter(([, { isAltered }]) => isAltered !== true).map(alone)), shown: {} }
}

/** A change as it is on a session that holds nothing. */
function alone([key, change]: readonly [string, Change]): readonly [string, Change] {
  return [key, change.rerun ? { ...change, value: change.rerun(undefined) } : change]
}

/** Stores what one request does to its session: with each `save`, and with the response. */
export class SessionWriter {
  readonly #storage: SessionStorage
  readonly #clock: () => number
  readonly #loaded: LoadedSession
  readonly #draft: Draft
  /** The request has a cookie, which a logout has to clear. */
  readonly #hasToken: boolean
  /** What the request has of the sessions that are taken over, which a logout ends too. `undefined`: none is taken over. */
  readonly #visit: FormerVisit | undefined
  /** When the session was opened. `undefined`: sessions have no owners. */
  #opened: Moment | undefined
  #cookie: CookieChange | undefined
  /** The `id` of the session that the next commit begins, if it has been asked for. */
  #nextId: string | undefined
  /** The `id` of the session that a commit under way begins. */
  #storingId: string | undefined
  /** The store call of a save that is under way. Never rejects. */
  #storing: Promise<void> | undefined
  /** Set once a save has failed. Its changes may have been stored, so they are never sent again. */
  #failure: { readonly error: unknown } | undefined
  /** What the response stores, if anything. */
  #response: Promise<void> | undefined
  #hasBegun = false
  #isDiscarded = false
  #regenerate = false
  #remember: boolean | undefined
  /** The idle timeout of its own that the session is to have; 0 for none. */
  #maxAge: number | undefined
  #destroy = false

  constructor(
    storage: SessionStorage,
    clock: () => number,
    loaded: LoadedSession,
    draft: Draft,
    request: {
      readonly hasToken: boolean
      readonly opened: Moment | undefined
      readonly visit: FormerVisit | undefined
    },
  ) {
    this.#storage = storage
    this.#clock = clock
    this.#loaded = loaded
    this.#draft = draft
    this.#hasToken = request.hasToken
    this.#opened = request.opened
    this.#visit = request.visit
  }

  /** The change of the cookie that the last commit resolved with. */
  get cookie(): CookieChange | undefined {
    return this.#cookie
  }

  /** Whether a response with status 200 would store something, or send a cookie. */
  get isPending(): boolean {
    try {
      if (this.hasCookie || this.#isFailed(200)) return true
      return this.#pending(200) !== undefined
    } catch {
      // The changes cannot be stored; the commit throws the reason.
      return true
    }
  }

  /** Whether a response with status 200 would store more than an extension. */
  get isChanged(): boolean {
    try {
      const commit = this.#pending(200)
      return commit !== undefined && !isExtension(commit)
    } catch {
      return true
    }
  }

  /** Whether there is a cookie to send, or a save under way that may have one. */
  get hasCookie(): boolean {
    return this.#cookie !== undefined || this.#storing !== undefined
  }

  /** Whether what is left to store would have a cookie to send. */
  get willHaveCookie(): boolean {
    try {
      const commit = this.#pending(200)
      if (commit === undefined) return false
      return (
        (commit.destroy && (this.#hasToken || this.#visit !== undefined)) ||
        this.#loaded.sendsCookie(commit, this.#clock())
      )
    } catch {
      // The changes cannot be stored.
      return false
    }
  }

  get storedId(): string | undefined {
    return this.#storingId ?? this.#loaded.record?.id
  }

  /** The `id` that the session has once what the handler has asked for is stored. */
  get id(): string | undefined {
    const isUnderWay = this.#storingId !== undefined && !this.#regenerate && !this.#destroy
    return !isUnderWay && this.#startsAnother() ? (this.#nextId ??= newId()) : this.storedId
  }

  /** As `id`, also of a session that nothing was assigned to yet, and never that of one that ends. */
  get futureId(): string {
    return (this.#destroy ? undefined : this.id) ?? (this.#nextId ??= newId())
  }

  /** Whether what the handler has asked for begins a session, or moves the session to a new token. */
  #startsAnother(): boolean {
    if (this.#isDropped(200)) return false
    const { record } = this.#loaded
    if (record === undefined || this.#destroy) return this.#draft.currentKeys().length > 0
    return this.#changesOwner() || (this.#regenerate && this.#listedId === undefined)
  }

  /** `undefined`: the session is nobody's. */
  #ownerOf(record: SessionRecord): OwnerId | undefined {
    return this.#storage.owners?.key.ownerOf(record.values)
  }

  /** The name that the session has in its owner's list, and keeps for as long as it is theirs. `undefined`: it is nobody's. */
  get #listedId(): string | undefined {
    const { record } = this.#loaded
    return record && this.#ownerOf(record) !== undefined ? record.id : undefined
  }

  #changesOwner(): boolean {
    const key = this.#storage.owners?.key
    const record = this.#loaded.record
    if (key === undefined || record === undefined) return false
    return this.#draft.isChangedFrom(record.values, key.name)
  }

  /** The session's key in the store. `undefined`: it is not stored. */
  get key(): string | undefined {
    return this.#loaded.key
  }

  /** A login of this request counts as begun now. */
  beginAgain(): void {
    this.#opened = this.#storage.now()
  }

  get expiresAt(): Date | undefined {
    const { record } = this.#loaded
    return record && new Date(this.#storage.endOf(record))
  }

  get loggedInAt(): number | undefined {
    const { record } = this.#loaded
    const isNobodys = this.#storage.owners && record && this.#ownerOf(record) === undefined
    return isNobodys || (record !== undefined && isTakenOver(record)) ? undefined : record?.startedAt
  }

  /** The session's own idle timeout, in milliseconds. `undefined`: it has none. */
  get maxAge(): number | undefined {
    const { record } = this.#loaded
    if (this.#maxAge !== undefined) return this.#maxAge === 0 ? undefined : this.#maxAge
    return record && !this.#destroy ? maxAgeOf(record) : undefined
  }

  set maxAge(ms: number | undefined) {
    this.#maxAge = ms === this.maxAge ? this.#maxAge : (ms ?? 0)
  }

  /** How long the browser keeps the session's cookie without use, in milliseconds. `undefined`: until it is closed. */
  get cookieMaxAge(): number | undefined {
    const { record } = this.#loaded
    const begins = record === undefined || this.#destroy
    return this.#storage.cookieMaxAge(withMaxAge(begins ? newRecord(0, {}, '') : record, this.#maxAge))
  }

  /** Drops the changes and reads the session again. Resolves with `false` if it has ended or moved. */
  async reload(): Promise<boolean> {
    while (this.#storing !== undefined) await this.#storing
    if (this.#destroy) return false
    const isThere = await this.#loaded.reload()
    this.#regenerate = false
    this.#remember = undefined
    this.#maxAge = undefined
    if (isThere) this.#draft.reset(this.#loaded.record?.values ?? {})
    return isThere
  }

  discard(): void {
    this.#isDiscarded = true
  }

  /** `remember`: whether the session is to be remembered. `undefined`: as it was. */
  regenerate(remember: boolean | undefined): void {
    this.#regenerate = true
    this.#remember = remember ?? this.#remember
  }

  destroy(): void {
    this.#destroy = true
    this.#maxAge = undefined
    this.#nextId = undefined
    this.#draft.clear()
  }

  /** Ends the session after the response has begun. Resolves with `false` if the browser holds it. */
  async endLate(): Promise<boolean> {
    await this.#response
    const { record, key } = this.#loaded
    if (record === undefined) return true
    if (key === undefined) return false
    await this.#storage.commit(this.#loaded, END, this.#visit)
    return true
  }

  /** Stores what is left to store, for a response of this status. `undefined`: nothing is. Call it once. */
  commit(status: number): Promise<void> | undefined {
    this.#hasBegun = true
    const isAfterSave = this.#storing !== undefined || this.#failure !== undefined
    this.#response = isAfterSave ? this.#commitAfterSave(status) : this.#commitNow(status)
    return this.#response
  }

  /** As `commit`, for a response that cannot wait. Returns false if more than an extension is left to store. */
  commitAtOnce(status: number): boolean {
    this.#hasBegun = true
    const commit = this.#pending(status)
    return this.#storing === undefined && this.#failure === undefined && (commit === undefined || isExtension(commit))
  }

  async save(): Promise<void> {
    while (this.#storing !== undefined) await this.#storing
    // The response has begun since the call, and stores what this was called for.
    if (this.#hasBegun) return this.#response
    try {
      const commit = this.#pending(200)
      if (commit !== undefined) await this.#storeNow(commit)
    } catch (error) {
      this.#failure ??= { error }
    }
    if (this.#failure !== undefined && this.#isFailed(200)) throw this.#failure.error
  }

  /** Stores a commit while the request goes on. A failure is noted, not thrown. */
  async #storeNow(commit: Commit): Promise<void> {
    const sent = isExtension(commit) ? undefined : this.#draft.send(commit.changes)
    const storing = this.#store(commit)
    this.#storing = storing.catch(() => undefined)
    try {
      await storing
      const stored = this.#loaded.record?.values ?? {}
      if (commit.replaces) this.#draft.replace(stored)
      else if (sent !== undefined) this.#draft.settle(sent, this.#loaded.own ?? {}, stored)
    } catch (error) {
      // Before anything that waits for `#storing` goes on.
      this.#failure ??= { error }
    } finally {
      this.#storing = undefined
    }
  }

  #commitNow(status: number): Promise<void> | undefined {
    const commit = this.#pending(status)
    return commit && this.#store(commit)
  }

  /** What changed before the response began is determined now, and stored after the save. */
  async #commitAfterSave(status: number): Promise<void> {
    const drafting = this.#draftNow(status)
    drafting.catch(() => undefined)
    await this.#storing
    const commit = this.#pending(status, this.#isDropped(status) ? NOTHING : await drafting)
    if (commit !== undefined) await this.#store(commit)
    if (this.#failure !== undefined && this.#isFailed(status)) throw this.#failure.error
  }

  // Async, so that an error waits for the save too.
  async #draftNow(status: number): Promise<Drafted> {
    return this.#drafted(status)
  }

  #drafted(status: number): Drafted {
    if (this.#isDropped(status)) return NOTHING
    if (this.#changesOwner()) this.#draft.forceAssigned()
    return { changes: this.#draft.changes(), shown: this.#draft.shown }
  }

  /** Whether a response of this status stores nothing except a `destroy`. */
  #isDropped(status: number): boolean {
    return status >= 500 || this.#isDiscarded || this.#failure !== undefined
  }

  /** Whether a response of this status claims a success that a save did not have. */
  #isFailed(status: number): boolean {
    return this.#failure !== undefined && !this.#isDiscarded && status < 400
  }

  /** What is left to store, for a response of this status. */
  #pending(status: number, { changes, shown } = this.#drafted(status)): Commit | undefined {
    const destroy = this.#destroy
    if (this.#isDropped(status)) return destroy ? END : undefined
    const ownerChange = destroy ? 'none' : this.#ownerChange(changes)
    const regenerate = this.#regenerate || ownerChange === 'moves'
    const isMoving = regenerate && this.#loaded.record !== undefined
    const maxAge = this.#loaded.record === undefined && changes.size === 0 ? undefined : this.#maxAge
    const isDue = maxAge !== undefined || this.#loaded.isDue(this.#clock())
    if (changes.size === 0 && !isMoving && !destroy && !isDue) return undefined
    const [remember, opened] = [this.#remember, this.#opened]
    const id = isMoving && !destroy && ownerChange === 'none' ? this.#listedId : undefined
    // All in one literal: properties that a spread object lacks are slow to add on Node 20.
    const report = undefined
    const commit = { changes, shown, regenerate, remember, maxAge, destroy, replaces: false, id, opened, report }
    return ownerChange === 'replaces' ? { ...commit, ...assigned(changes), replaces: true } : commit
  }

  /** Throws `INVALID_VALUE` for a value that no owner can have. */
  #ownerChange(changes: Changes): OwnerChange {
    const key = this.#storage.owners?.key
    const change = key && changes.get(key.name)
    if (key === undefined || change === undefined) return 'none'
    const after = key.read(change.value)
    const before = this.#loaded.record && key.ownerOf(this.#loaded.record.values)
    if (this.#loaded.record === undefined || before === after) return 'none'
    return before === undefined || after === undefined ? 'moves' : 'replaces'
  }

  async #store(commit: Commit): Promise<void> {
    const { regenerate, replaces, destroy } = commit
    // What the handler asks for while this is under way is carried out by the next commit.
    this.#regenerate = false
    this.#remember = undefined
    this.#maxAge = undefined
    this.#destroy = false
    const isAnother = regenerate || replaces || destroy || this.#loaded.record === undefined
    const id = commit.id ?? (isAnother ? (this.#nextId ?? newId()) : undefined)
    this.#nextId = undefined
    this.#storingId = id
    try {
      const cookie = await this.#storage.commit(this.#loaded, { ...commit, id }, this.#visit)
      // If the request has no cookie, there is none to clear.
      if (cookie === 'clear') this.#cookie = this.#hasToken ? 'clear' : undefined
      else if (cookie !== undefined) this.#cookie = cookie
    } catch (error) {
      // A logout is carried out by the response, whatever it is.
      this.#destroy ||= destroy
      throw error
    } finally {
      this.#storingId = undefined
    }
  }
}
