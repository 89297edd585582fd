import type { Changes } from './change.js'
import type { CookieChange, CookiePolicy } from './cookie.js'
import { Draft } from './draft.js'
import { SessError } from './error.js'
import type { Hold, Work } from './hold.js'
import { cacheControlFor, varyFor } from './header.js'
import { type AnyData, createSession, sealed, type Session, type SessionOwner } from './session.js'
import type { Tally } from './tally.js'
import type { Visit } from './visit.js'

/** Headers for a response, in order. Names are in lower case; one name may come more than once. */
export type Headers = readonly (readonly [name: string, value: string])[]

/** Headers that the response has so far, which the session's own depend on. */
export interface SeenHeaders {
  /** `Vary`, as one text. */
  readonly vary?: string | undefined
  /** `Cache-Control`, as one text. */
  readonly cacheControl?: string | undefined
}

/**
 * One request and its response, whatever carries them: what bindings to frameworks and runtimes are
 * built on. `open` it at will, `commit` it before the response leaves and send the headers that this
 * returns; where `commit` rejects, answer with the error's `status` in place of the response.
 */
export interface Exchange<D> {
  /** Loads the session, once. Rejects with what the store says, such as `UNAVAILABLE`; the next call tries again. */
  open(): Promise<Session<D>>
  /** Whether `commit` would store something or send a cookie. */
  readonly pending: boolean
  /** Gives up every change but a `destroy`: the handler threw. */
  discard(): void
  /**
   * Seals the session at once, stores its changes, and resolves with headers: `set-cookie` to append,
   * the others to set. A `status` of 500 and up stores nothing but a `destroy`. Rejects with `CONFLICT`, `TOO_LARGE`,
   * `INVALID_VALUE` or what the store says. After `UNAVAILABLE` the store may have taken the changes or not; after any
   * other it has taken none.
   */
  commit(status: number, seen?: SeenHeaders): Promise<Headers>
}

/** What an exchange asks of the application that it belongs to. */
export interface ExchangeTerms {
  readonly cookie: CookiePolicy
  readonly clock: () => number
  readonly find: (tokens: readonly string[]) => Promise<Hold>
  /** What the application waits for when it closes. */
  readonly commits: Tally
  /** Called when a cookie with Secure goes out by plain http, where browsers refuse it. */
  readonly onPlainHttp: () => void
}

const NO_CHANGES: Changes = new Map()

export class SessionExchange implements Exchange<AnyData>, SessionOwner {
  readonly #terms: ExchangeTerms
  readonly #visit: Visit
  #tokens: readonly string[] = []
  #opening: Promise<Session<AnyData>> | undefined
  #hold: Hold | undefined
  #draft: Draft | undefined
  #cookie: CookieChange | undefined
  #saving: Promise<void> | undefined
  #saveFailed = false
  #isSealed = false
  #isDiscarded = false
  #regenerate = false
  #destroy = false

  constructor(terms: ExchangeTerms, visit: Visit) {
    this.#terms = terms
    this.#visit = visit
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
      return this.#cookie !== undefined || this.#saving !== undefined || this.#work(200) !== undefined
    } catch {
      // Changes that cannot be stored are for commit to refuse.
      return true
    }
  }

  discard(): void {
    this.#isDiscarded = true
  }

  async commit(status: number, seen: SeenHeaders = {}): Promise<Headers> {
    return this.finish(status, seen)
  }

  /** As `commit`, but at once where there is nothing to store. */
  finish(status: number, seen: SeenHeaders): Headers | Promise<Headers> {
    if (this.#isSealed) return []
    this.#isSealed = true
    if (this.#saving) return this.#finishAfterSave(this.#saving, status, seen)
    const work = this.#work(status)
    if (work === undefined) return this.#headers(seen)
    return this.#store(work).then(() => this.#headers(seen))
  }

  keys(): readonly string[] {
    return this.#draft?.currentKeys() ?? []
  }

  get handle(): string | undefined {
    return this.#hold?.content?.handle
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
    const work = this.#work(200)
    if (work === undefined) return
    this.#saving = this.#store(work)
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
    this.#tokens = this.#terms.cookie.values(this.#visit)
    this.#hold = await this.#terms.find(this.#tokens)
    this.#draft = new Draft(this.#hold.content?.fields ?? {})
    return createSession(this, this.#draft)
  }

  async #finishAfterSave(saving: Promise<void>, status: number, seen: SeenHeaders): Promise<Headers> {
    // Whoever called save() sees its failure; here it only decides what is left to do.
    await saving.catch(() => undefined)
    const work = this.#work(status)
    if (work !== undefined) await this.#store(work)
    return this.#headers(seen)
  }

  /** What is left to do, if the response has this status. */
  #work(status: number): Work | undefined {
    const hold = this.#hold
    const draft = this.#draft
    if (hold === undefined || draft === undefined) return undefined
    // A handler that saw save() fail and answers with an error of its own has dealt with it.
    const isDropped = status >= 500 || this.#isDiscarded || (this.#saveFailed && status >= 400)
    if (isDropped) {
      return this.#destroy ? { changes: NO_CHANGES, shown: {}, regenerate: false, destroy: true } : undefined
    }
    const changes = draft.changes()
    const isMoving = this.#regenerate && hold.content !== undefined
    if (changes.size === 0 && !isMoving && !this.#destroy && !hold.isDue(this.#terms.clock())) return undefined
    return { changes, shown: draft.shown, regenerate: this.#regenerate, destroy: this.#destroy }
  }

  async #store(work: Work): Promise<void> {
    const hold = this.#hold
    if (hold === undefined) return
    const { commits } = this.#terms
    commits.enter()
    let cookie
    try {
      cookie = await hold.commit(work)
    } finally {
      commits.leave()
    }
    // A cookie that the browser does not have need not be cleared.
    if (cookie === 'clear') this.#cookie = this.#tokens.length > 0 ? 'clear' : undefined
    else if (cookie !== undefined) this.#cookie = cookie
    this.#regenerate = false
    this.#destroy = false
    // Of a sealed session nothing is stored again, and it goes on showing what it showed.
    if (!this.#isSealed) this.#draft?.rebase(hold.content?.fields ?? {}, work.changes)
  }

  #headers(seen: SeenHeaders): Headers {
    const headers: (readonly [string, string])[] = []
    const { cookie, clock, onPlainHttp } = this.#terms
    if (this.#cookie !== undefined) {
      if (this.#visit.isPlainHttp && !cookie.isPlain(this.#visit)) onPlainHttp()
      headers.push(['set-cookie', cookie.setCookie(this.#cookie, clock(), this.#visit)])
      headers.push(['cache-control', cacheControlFor(seen.cacheControl)])
    }
    if (this.#cookie !== undefined || this.#draft?.isUsed === true) headers.push(['vary', varyFor(seen.vary)])
    return headers
  }
}
