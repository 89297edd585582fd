import { SessError } from '../error.js'
import { Draft } from '../session/draft.js'
import type { Changes } from '../session/merge.js'
import { createSession, sealed, type SessionLifecycle } from '../session/proxy.js'
import type { AnyData, Session } from '../session/session.js'
import type { Commit, CookieChange, LoadedSession } from '../storage/loaded-session.js'
import type { SessionStorage } from '../storage/storage.js'
import type { Warnings } from '../warnings.js'
import type { CookiePolicy } from './cookie.js'
import { cacheControlFor, varyFor } from './headers.js'
import type { IncomingRequest } from './request.js'

/** Headers for a response, in order. Names are in lower case; a name may occur more than once. */
export type Headers = readonly (readonly [name: string, value: string])[]

/** Headers of the response that the session's own headers are merged with. */
export interface SeenHeaders {
  /** `Vary`, as one text. */
  readonly vary?: string | undefined
  /** `Cache-Control`, as one text. */
  readonly cacheControl?: string | undefined
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
  /** Drops every change except a `destroy`: call it when the handler threw. */
  discard(): void
  /**
   * Seals the session at once, stores its changes, and resolves with headers: append `set-cookie`, set the others. With
   * a `status` of 500 or more it stores nothing except a `destroy`. Rejects with `CONFLICT`, `TOO_LARGE`,
   * `INVALID_VALUE` or the store's error. After `UNAVAILABLE` the store may or may not have applied the changes; after
   * any other error it has not.
   */
  commit(status: number, seen?: SeenHeaders): Promise<Headers>
}

/** What the exchanges of one application share. */
export interface ExchangeContext {
  readonly cookie: CookiePolicy
  readonly clock: () => number
  readonly storage: SessionStorage
  readonly warnings: Warnings
}

const NO_CHANGES: Changes = new Map()

export class SessionExchange implements Exchange<AnyData>, SessionLifecycle {
  readonly #context: ExchangeContext
  readonly #request: IncomingRequest
  #tokens: readonly string[] = []
  #opening: Promise<Session<AnyData>> | undefined
  #loaded: LoadedSession | undefined
  #draft: Draft | undefined
  #cookie: CookieChange | undefined
  #saving: Promise<void> | undefined
  #saveFailed = false
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
      return this.#cookie !== undefined || this.#saving !== undefined || this.#pending(200) !== undefined
    } catch {
      // The changes cannot be stored; commit throws the reason.
      return true
    }
  }

  discard(): void {
    this.#isDiscarded = true
  }

  async commit(status: number, seen: SeenHeaders = {}): Promise<Headers> {
    return this.commitNow(status, seen)
  }

  /** As `commit`, but returns the headers themselves if there is nothing to store. */
  commitNow(status: number, seen: SeenHeaders): Headers | Promise<Headers> {
    if (this.#isSealed) return []
    this.#isSealed = true
    if (this.#saving) return this.#commitAfterSave(this.#saving, status, seen)
    const commit = this.#pending(status)
    if (commit === undefined) return this.#headers(seen)
    return this.#store(commit).then(() => this.#headers(seen))
  }

  keys(): readonly string[] {
    return this.#draft?.currentKeys() ?? []
  }

  get id(): string | undefined {
    return this.#loaded?.record?.id
  }

  get isSealed(): boolean {
    return this.#isSealed
  }

  seal(): void {
    this.#isSealed = true
  }

  assertOpen(): void {
    if (this.#isSealed) throw sealed()
    if (this.#saving)
      throw new SessError('SEALED', 'The session was changed while session.save() was under way: await it first.')
  }

  regenerate(): void {
    this.#regenerate = true
  }

  destroy(): void {
    this.#destroy = true
    this.#regenerate = false
    this.#draft?.clear()
  }

  async save(): Promise<void> {
    const commit = this.#pending(200)
    if (commit === undefined) return
    this.#saving = this.#store(commit)
    try {
      await this.#saving
      this.#saveFailed = false
    } catch (error) {
      this.#saveFailed = true
      throw error
    } finally {
      this.#saving = undefined
    }
  }

  async #load(): Promise<Session<AnyData>> {
    this.#tokens = this.#context.cookie.values(this.#request)
    this.#loaded = await this.#context.storage.find(this.#tokens)
    this.#draft = new Draft(this.#loaded.record?.values ?? {})
    return createSession(this, this.#draft)
  }

  async #commitAfterSave(saving: Promise<void>, status: number, seen: SeenHeaders): Promise<Headers> {
    // The caller of save() sees its failure; here it only decides what is left to store.
    await saving.catch(() => undefined)
    const commit = this.#pending(status)
    if (commit !== undefined) await this.#store(commit)
    return this.#headers(seen)
  }

  /** What is left to store, for a response of this status. */
  #pending(status: number): Commit | undefined {
    const loaded = this.#loaded
    const draft = this.#draft
    if (loaded === undefined || draft === undefined) return undefined
    // A handler that saw save() fail and answers with its own error has handled the failure.
    const isDropped = status >= 500 || this.#isDiscarded || (this.#saveFailed && status >= 400)
    if (isDropped) {
      return this.#destroy ? { changes: NO_CHANGES, shown: {}, regenerate: false, destroy: true } : undefined
    }
    const changes = draft.changes()
    const isMoving = this.#regenerate && loaded.record !== undefined
    if (changes.size === 0 && !isMoving && !this.#destroy && !loaded.isDue(this.#context.clock())) return undefined
    return { changes, shown: draft.shown, regenerate: this.#regenerate, destroy: this.#destroy }
  }

  async #store(commit: Commit): Promise<void> {
    const loaded = this.#loaded
    if (loaded === undefined) return
    const cookie = await this.#context.storage.commit(loaded, commit)
    // If the request has no cookie, there is none to clear.
    if (cookie === 'clear') this.#cookie = this.#tokens.length > 0 ? 'clear' : undefined
    else if (cookie !== undefined) this.#cookie = cookie
    this.#regenerate = false
    this.#destroy = false
    // A sealed session is never stored again and keeps its values.
    if (!this.#isSealed) this.#draft?.rebase(loaded.record?.values ?? {}, commit.changes)
  }

  #headers(seen: SeenHeaders): Headers {
    const headers: (readonly [string, string])[] = []
    const { cookie, clock, warnings } = this.#context
    if (this.#cookie !== undefined) {
      if (this.#request.isPlainHttp && !cookie.isPlain(this.#request)) warnOfPlainHttp(warnings)
      headers.push(['set-cookie', cookie.setCookie(this.#cookie, clock(), this.#request)])
      headers.push(['cache-control', cacheControlFor(seen.cacheControl)])
    }
    if (this.#cookie !== undefined || this.#draft?.isUsed === true) headers.push(['vary', varyFor(seen.vary)])
    return headers
  }
}

function warnOfPlainHttp(warnings: Warnings): void {
  warnings.once(
    'SESS_PLAIN_HTTP',
    'A session cookie with Secure was sent over plain http, where browsers refuse it. Use https. Behind a proxy that terminates ' +
      'TLS, let the proxy set X-Forwarded-Proto. On a network that has only plain http, set cookie: { secure: false }.',
  )
}
