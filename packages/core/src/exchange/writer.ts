import type { Draft } from '../session/draft.js'
import { type Commit, type CookieChange, isExtension, type LoadedSession } from '../storage/loaded-session.js'
import { newId } from '../storage/record.js'
import type { SessionStorage } from '../storage/storage.js'

/** The changes of a request, and the values that they depend on. */
type Drafted = Pick<Commit, 'changes' | 'shown'>

const NOTHING: Drafted = { changes: new Map(), shown: {} }

/** Stores what one request does to its session: with each `save`, and with the response. */
export class SessionWriter {
  readonly #storage: SessionStorage
  readonly #clock: () => number
  readonly #loaded: LoadedSession
  readonly #draft: Draft
  /** The request has a cookie, which a logout has to clear. */
  readonly #hasToken: boolean
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
  #destroy = false

  constructor(storage: SessionStorage, clock: () => number, loaded: LoadedSession, draft: Draft, hasToken: boolean) {
    this.#storage = storage
    this.#clock = clock
    this.#loaded = loaded
    this.#draft = draft
    this.#hasToken = hasToken
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

  /** Whether there is a cookie to send, or a save under way that may have one. */
  get hasCookie(): boolean {
    return this.#cookie !== undefined || this.#storing !== undefined
  }

  /** Whether what is left to store would have a cookie to send. */
  get willHaveCookie(): boolean {
    try {
      const commit = this.#pending(200)
      if (commit === undefined) return false
      return (commit.destroy && this.#hasToken) || this.#loaded.sendsCookie(commit, this.#clock())
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

  /** Whether what the handler has asked for begins a session, or moves the session to a new token. */
  #startsAnother(): boolean {
    if (this.#isDropped(200)) return false
    const isStored = this.#loaded.record !== undefined && !this.#destroy
    return isStored ? this.#regenerate : this.#draft.currentKeys().length > 0
  }

  get expiresAt(): Date | undefined {
    return this.#storage.expiresAt(this.#loaded)
  }

  discard(): void {
    this.#isDiscarded = true
  }

  regenerate(): void {
    this.#regenerate = true
  }

  destroy(): void {
    this.#destroy = true
    this.#nextId = undefined
    this.#draft.clear()
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
      if (sent !== undefined) this.#draft.settle(sent, this.#loaded.own ?? {}, this.#loaded.record?.values ?? {})
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
    return this.#isDropped(status) ? NOTHING : { changes: this.#draft.changes(), shown: this.#draft.shown }
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
    if (this.#isDropped(status)) {
      return destroy ? { ...NOTHING, regenerate: false, destroy, id: undefined } : undefined
    }
    const regenerate = this.#regenerate
    const isMoving = regenerate && this.#loaded.record !== undefined
    if (changes.size === 0 && !isMoving && !destroy && !this.#loaded.isDue(this.#clock())) return undefined
    return { changes, shown, regenerate, destroy, id: undefined }
  }

  async #store({ changes, shown, regenerate, destroy }: Commit): Promise<void> {
    // What the handler asks for while this is under way is carried out by the next commit.
    this.#regenerate = false
    this.#destroy = false
    const isAnother = regenerate || destroy || this.#loaded.record === undefined
    const id = isAnother ? (this.#nextId ?? newId()) : undefined
    this.#nextId = undefined
    this.#storingId = id
    try {
      const cookie = await this.#storage.commit(this.#loaded, { changes, shown, regenerate, destroy, id })
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
