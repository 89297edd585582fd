import { Draft } from '../session/draft.js'
import { createSession, sealed, type SessionLifecycle } from '../session/proxy.js'
import type { AnyData, Session } from '../session/session.js'
import { type Commit, type CookieChange, isExtension, type LoadedSession } from '../storage/loaded-session.js'
import { newId } from '../storage/record.js'
import type { SessionStorage } from '../storage/storage.js'
import { SessError } from '../error.js'
import { processWarnings } from '../warnings.js'
import type { CookiePolicy, SessionCookie } from './cookie.js'
import { cacheControlFor, cdnHeadersFor, varyFor } from './headers.js'
import type { IncomingRequest } from './request.js'

/** Headers for a response, in order. Names are in lower case; a name may occur more than once. */
export type Headers = readonly (readonly [name: string, value: string])[]

/** Headers of the response that the session's own headers are merged with. */
export interface SeenHeaders {
  /** `Vary`, as one text. */
  readonly vary?: string | undefined
  /** `Cache-Control`, as one text. */
  readonly cacheControl?: string | undefined
  /** The names of the response's headers. Those that a CDN heeds before `Cache-Control` are overridden. */
  readonly names?: Iterable<string> | undefined
}

/**
 * One request and its response, independent of their transport. Bindings to frameworks and runtimes are built on it:
 * `open` the session when the handler asks for it, `commit` before the response leaves, and send the headers that
 * `commit` resolves with. If `commit` rejects, answer with the error's `status` instead of the response.
 */
export interface Exchange<D> {
  /** Loads the session, once. Rejects with the store's error, such as `UNAVAILABLE`; the next call tries again. */
  open(): Promise<Session<D>>
  /** Whether `commit` would store something or send a cookie. */
  readonly pending: boolean
  /**
   * Whether a success would need a `set-cookie`, as far as is known before `commit`. For a place that can set no
   * headers, such as a page that is being streamed.
   */
  readonly needsCookie: boolean
  /** The cookie that the headers of `commit`, or the last `save`, set, by its parts. `undefined`: they set none. */
  readonly cookie: SessionCookie | undefined
  /** Drops every change except a `destroy`: call it when the handler threw. */
  discard(): void
  /**
   * Seals the session at once, stores its changes, and resolves with headers: append `set-cookie`, set the others. With
   * a `status` of 500 or more it stores nothing except a `destroy`. Rejects with `CONFLICT`, `TOO_LARGE`,
   * `INVALID_VALUE` or the store's error. After `UNAVAILABLE` the store may or may not have applied the changes; after
   * any other error it has not. Without `seen`, `cache-control` is `no-store`, since the response's own is unknown and
   * must not be loosened.
   */
  commit(status: number, seen?: SeenHeaders): Promise<Headers>
  /** Headers for the error response after `commit` rejected: what `save` had stored before keeps its cookie. */
  failureHeaders(): Headers
}

/** What the exchanges of one application share. */
export interface ExchangeContext {
  readonly cookie: CookiePolicy
  readonly clock: () => number
  readonly storage: SessionStorage
}

/** The changes of a request, and the values that they depend on. */
type Drafted = Pick<Commit, 'changes' | 'shown'>

/** The strictest headers that a response may have. */
const UNSEEN: SeenHeaders = { cacheControl: 'no-store' }

const NOTHING: Drafted = { changes: new Map(), shown: {} }

export class SessionExchange implements Exchange<AnyData>, SessionLifecycle {
  readonly #context: ExchangeContext
  readonly #request: IncomingRequest
  #tokens: readonly string[] = []
  #opening: Promise<Session<AnyData>> | undefined
  #loaded: LoadedSession | undefined
  #draft: Draft | undefined
  #cookie: CookieChange | undefined
  /** The `id` of the session that the next commit begins, if it has been asked for. */
  #nextId: string | undefined
  /** The `id` of the session that a commit under way begins. */
  #storingId: string | undefined
  /** The store call of a save that is under way. Never rejects. */
  #storing: Promise<void> | undefined
  /** Set once a save has failed. Its changes may have been stored, so they are never sent again. */
  #failure: { readonly error: unknown } | undefined
  /** What the response stores. */
  #response: Promise<void> | undefined
  #isSealed = false
  #isDiscarded = false
  #regenerate = false
  #destroy = false

  constructor(context: ExchangeContext, request: IncomingRequest) {
    this.#context = context
    this.#request = request
  }

  open(): Promise<Session<AnyData>> {
    if (this.#opening === undefined) {
      const opening = this.#load()
      this.#opening = opening
      opening.catch(() => (this.#opening = undefined))
    }
    return this.#opening
  }

  get pending(): boolean {
    if (this.#isSealed) return false
    try {
      if (this.#cookie !== undefined || this.#storing !== undefined || this.#isFailed(200)) return true
      return this.#pending(200) !== undefined
    } catch {
      // The changes cannot be stored; commit throws the reason.
      return true
    }
  }

  discard(): void {
    this.#isDiscarded = true
    if (!this.#isSealed) this.#draft?.discard()
  }

  get needsCookie(): boolean {
    if (this.#cookie !== undefined || this.#storing !== undefined) return true
    if (this.#isSealed) return false
    try {
      const commit = this.#pending(200)
      if (commit === undefined) return false
      if (commit.destroy && this.#tokens.length > 0) return true
      return this.#loaded?.sendsCookie(commit, this.#context.clock()) === true
    } catch {
      // The changes cannot be stored.
      return false
    }
  }

  get cookie(): SessionCookie | undefined {
    const { cookie, clock } = this.#context
    return this.#cookie && cookie.cookie(this.#cookie, clock(), this.#request)
  }

  async commit(status: number, seen: SeenHeaders = UNSEEN): Promise<Headers> {
    return this.commitNow(status, seen)
  }

  failureHeaders(): Headers {
    const { cookie, clock } = this.#context
    const set = this.#cookie && cookie.setCookie(this.#cookie, clock(), this.#request)
    return [...(set === undefined ? [] : [['set-cookie', set] as const]), ['cache-control', 'no-store']]
  }

  /** As `commit`, but returns the headers themselves if there is nothing to store. */
  commitNow(status: number, seen: SeenHeaders): Headers | Promise<Headers> {
    if (this.#isSealed) return []
    this.#isSealed = true
    if (this.#storing !== undefined || this.#failure !== undefined) return this.#commitAfterSave(status, seen)
    const commit = this.#pending(status)
    if (commit === undefined) return this.#headers(seen)
    this.#response = this.#store(commit)
    return this.#response.then(() => this.#headers(seen))
  }

  /**
   * As `commit`, for a response that cannot wait: throws if anything but an extension is left to store. An extension is
   * left to a later request.
   */
  commitAtOnce(status: number, seen: SeenHeaders): Headers {
    if (this.#isSealed) return []
    this.#isSealed = true
    const commit = this.#pending(status)
    if (this.#storing !== undefined || this.#failure !== undefined || (commit !== undefined && !isExtension(commit)))
      throw cannotWait()
    return this.#headers(seen)
  }

  keys(): readonly string[] {
    return this.#draft?.currentKeys() ?? []
  }

  get id(): string | undefined {
    const isUnderWay = this.#storingId !== undefined && !this.#regenerate && !this.#destroy
    if (this.#isSealed || isUnderWay) return this.#storingId ?? this.#loaded?.record?.id
    return this.#startsAnother() ? (this.#nextId ??= newId()) : this.#loaded?.record?.id
  }

  /** Whether what the handler has asked for begins a session, or moves the session to a new token. */
  #startsAnother(): boolean {
    if (this.#isDropped(200)) return false
    const isStored = this.#loaded?.record !== undefined && !this.#destroy
    return isStored ? this.#regenerate : this.keys().length > 0
  }

  get expiresAt(): Date | undefined {
    return this.#loaded && this.#context.storage.expiresAt(this.#loaded)
  }

  get isSealed(): boolean {
    return this.#isSealed
  }

  seal(): void {
    this.#isSealed = true
  }

  assertOpen(): void {
    if (this.#isSealed) throw sealed()
  }

  regenerate(): void {
    this.#regenerate = true
  }

  destroy(): void {
    this.#destroy = true
    this.#regenerate = false
    this.#nextId = undefined
    this.#draft?.clear()
  }

  save(): Promise<void> {
    const saving = this.#save()
    // If the handler does not await it, the response fails with its error.
    saving.catch(() => undefined)
    return saving
  }

  async #save(): Promise<void> {
    this.assertOpen()
    while (this.#storing !== undefined) await this.#storing
    // The response has begun since the call, and stores what this was called for.
    if (this.#isSealed) return this.#response
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
    const sent = isExtension(commit) ? undefined : this.#draft?.send(commit.changes)
    const storing = this.#store(commit)
    this.#storing = storing.catch(() => undefined)
    try {
      await storing
      const loaded = this.#loaded
      if (sent !== undefined && loaded !== undefined)
        this.#draft?.settle(sent, loaded.own ?? {}, loaded.record?.values ?? {})
    } catch (error) {
      // Before anything that waits for `#storing` goes on.
      this.#failure ??= { error }
    } finally {
      this.#storing = undefined
    }
  }

  async #load(): Promise<Session<AnyData>> {
    this.#tokens = this.#context.cookie.values(this.#request)
    this.#loaded = await this.#context.storage.find(this.#tokens)
    this.#draft = new Draft(this.#loaded.record?.values ?? {})
    return createSession(this, this.#draft)
  }

  /** What changed before the response began is determined now, and stored after the save. */
  #commitAfterSave(status: number, seen: SeenHeaders): Promise<Headers> {
    const drafting = this.#draftNow(status)
    drafting.catch(() => undefined)
    const storing = this.#storing
    this.#response = (async () => {
      await storing
      const commit = this.#pending(status, this.#isDropped(status) ? NOTHING : await drafting)
      if (commit !== undefined) await this.#store(commit)
      if (this.#failure !== undefined && this.#isFailed(status)) throw this.#failure.error
    })()
    return this.#response.then(() => this.#headers(seen))
  }

  // Async, so that an error waits for the save too.
  async #draftNow(status: number): Promise<Drafted> {
    return this.#drafted(status)
  }

  #drafted(status: number): Drafted {
    const draft = this.#draft
    return draft === undefined || this.#isDropped(status) ? NOTHING : { changes: draft.changes(), shown: draft.shown }
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
    const loaded = this.#loaded
    if (loaded === undefined) return undefined
    if (this.#isDropped(status)) {
      return this.#destroy ? { ...NOTHING, regenerate: false, destroy: true } : undefined
    }
    const isMoving = this.#regenerate && loaded.record !== undefined
    if (changes.size === 0 && !isMoving && !this.#destroy && !loaded.isDue(this.#context.clock())) return undefined
    return { changes, shown, regenerate: this.#regenerate, destroy: this.#destroy }
  }

  async #store(commit: Commit): Promise<void> {
    const loaded = this.#loaded
    if (loaded === undefined) return
    // What the handler asks for while this is under way is carried out by the next commit.
    this.#regenerate = false
    this.#destroy = false
    const isAnother = commit.regenerate || commit.destroy || loaded.record === undefined
    const id = isAnother ? (this.#nextId ?? newId()) : undefined
    this.#nextId = undefined
    this.#storingId = id
    try {
      const cookie = await this.#context.storage.commit(loaded, { ...commit, id })
      // If the request has no cookie, there is none to clear.
      if (cookie === 'clear') this.#cookie = this.#tokens.length > 0 ? 'clear' : undefined
      else if (cookie !== undefined) this.#cookie = cookie
    } catch (error) {
      // A logout is carried out by the response, whatever it is.
      this.#destroy ||= commit.destroy
      throw error
    } finally {
      this.#storingId = undefined
    }
  }

  #headers(seen: SeenHeaders): Headers {
    const headers: (readonly [string, string])[] = []
    const { cookie, clock } = this.#context
    if (this.#cookie !== undefined) {
      if (this.#request.isPlainHttp && !cookie.isPlain(this.#request)) warnOfPlainHttp()
      if (cookie.isOutsideDomain(this.#request)) warnOfDomain()
      headers.push(['set-cookie', cookie.setCookie(this.#cookie, clock(), this.#request)])
      headers.push(['cache-control', cacheControlFor(seen.cacheControl)], ...cdnHeadersFor(seen.names ?? []))
    }
    if (this.#cookie !== undefined || this.#draft?.isUsed === true) headers.push(['vary', varyFor(seen.vary)])
    return headers
  }
}

function cannotWait(): SessError {
  return new SessError(
    'INVALID_REQUEST',
    "The response is not one of Node's own, but an imitation that is read as soon as the handler has ended, as in serverless " +
      'presets, internal requests and mocks. It cannot wait for the session: call `await session.save()` before you answer.',
  )
}

function warnOfPlainHttp(): void {
  processWarnings.once(
    'SESS_PLAIN_HTTP',
    'A session cookie with Secure was sent over plain http, where browsers refuse it. Use https. Behind a proxy that terminates ' +
      'TLS, let the proxy set X-Forwarded-Proto. On a network that has only plain http, set cookie: { secure: false }.',
  )
}

function warnOfDomain(): void {
  processWarnings.once(
    'SESS_COOKIE_DOMAIN',
    'A session cookie was sent to a host that is not in cookie.domain, where browsers refuse it. On localhost, leave cookie.domain out. ' +
      'Behind a proxy that replaces Host, let the proxy pass on the Host of the browser.',
  )
}
