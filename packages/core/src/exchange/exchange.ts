import { Draft } from '../session/draft.js'
import type { SessionLifecycle } from '../session/lifecycle.js'
import { createSession, sealed } from '../session/proxy.js'
import type { SessionSchema } from '../session/schema.js'
import type { AnyData, Session } from '../session/session.js'
import type { FormerVisit } from '../storage/former-visit.js'
import type { SessionStorage } from '../storage/storage.js'
import { SessError } from '../error.js'
import { processWarnings } from '../warnings.js'
import { type CookiePolicy, valuesOf } from './cookie.js'
import { type Demand, mergeHeaders, NO_DEMAND, PERSONAL, STRANGER } from './headers.js'
import type { IncomingRequest } from './request.js'
import type { Exchange, ExchangeOptions, Headers, SeenHeaders, SessionCookie } from './types.js'
import { SessionWriter } from './writer.js'

/** What the exchanges of one application share. */
export interface ExchangeContext {
  readonly cookie: CookiePolicy
  readonly clock: () => number
  readonly storage: SessionStorage
  /** `undefined`: what is stored is not checked. */
  readonly schema: SessionSchema | undefined
}

/** A response whose head is unknown: it may be `public`, and it may be `no-store`. */
const UNSEEN: SeenHeaders = { cacheControl: 'public, no-store' }

export class SessionExchange implements Exchange<AnyData>, SessionLifecycle {
  readonly #context: ExchangeContext
  readonly #request: IncomingRequest
  readonly #on: ExchangeOptions | undefined
  #opening: Promise<Session<AnyData>> | undefined
  /** The same session as other slices see it, by their schemas. */
  #others: Map<SessionSchema | undefined, Session<AnyData>> | undefined
  #draft: Draft | undefined
  /** Set once the session is loaded. */
  #writer: SessionWriter | undefined
  /** What the request has of another library's sessions, if any is taken over. */
  #visit: FormerVisit | undefined
  /** Whether there was a session to load. */
  #isLive = false
  #isSealed = false
  #isDiscarded = false

  constructor(context: ExchangeContext, request: IncomingRequest, on?: ExchangeOptions) {
    this.#context = context
    this.#request = request
    this.#on = on
  }

  open(): Promise<Session<AnyData>> {
    if (this.#opening === undefined) {
      const opening = this.#load()
      this.#opening = opening
      opening.catch(() => (this.#opening = undefined))
    }
    return this.#opening
  }

  /** As `open`, for a slice with this schema: slices share the session, and each sees it by its own schema. */
  openWith(schema: SessionSchema | undefined): Promise<Session<AnyData>> {
    return schema === this.#context.schema ? this.open() : this.#openOther(schema)
  }

  async #openOther(schema: SessionSchema | undefined): Promise<Session<AnyData>> {
    const own = await this.open()
    const session = this.#others?.get(schema) ?? (this.#draft ? createSession(this, this.#draft, schema) : own)
    this.#others ??= new Map()
    this.#others.set(schema, session)
    return session
  }

  async #load(): Promise<Session<AnyData>> {
    const { cookie, storage, clock, schema } = this.#context
    const opened = storage.now()
    const tokens = cookie.values(this.#request)
    const visit = storage.visit((name) => valuesOf(this.#request, name))
    this.#visit = visit
    const loaded = await storage.find(tokens, visit, opened?.at)
    const draft = new Draft(loaded.record?.values ?? {})
    this.#draft = draft
    this.#isLive = loaded.record !== undefined
    this.#writer = new SessionWriter(storage, clock, loaded, draft, { hasToken: tokens.length > 0, opened, visit })
    if (this.#isDiscarded) this.#writer.discard()
    return createSession(this, draft, schema)
  }

  get pending(): boolean {
    return !this.#isSealed && this.#writer?.isPending === true
  }

  get changed(): boolean {
    return !this.#isSealed && this.#writer?.isChanged === true
  }

  get needsCookie(): boolean {
    const writer = this.#writer
    if (writer === undefined) return false
    return writer.hasCookie || (!this.#isSealed && writer.willHaveCookie)
  }

  get cookie(): SessionCookie | undefined {
    const { cookie, clock } = this.#context
    const change = this.#writer?.cookie
    return change && cookie.cookie(change, clock(), this.#request)
  }

  discard(): void {
    this.#isDiscarded = true
    this.#writer?.discard()
    if (!this.#isSealed) this.#draft?.discard()
  }

  async commit(status: number, seen: SeenHeaders = UNSEEN): Promise<Headers> {
    return mergeHeaders(await this.commitNow(status), seen)
  }

  /** As `commit`, but leaves the headers to be merged, and returns at once if there is nothing to store. */
  commitNow(status: number): Demand | Promise<Demand> {
    if (this.#isSealed) return NO_DEMAND
    this.#isSealed = true
    const storing = this.#writer?.commit(status)
    if (storing === undefined) return this.#demand()
    return storing.then(() => {
      this.#on?.onStored?.(this.cookie)
      return this.#demand()
    })
  }

  /**
   * As `commitNow`, for a response that cannot wait: throws if anything but an extension is left to store. An extension is
   * left to a later request.
   */
  commitAtOnce(status: number): Demand {
    if (this.#isSealed) return NO_DEMAND
    this.#isSealed = true
    if (this.#writer?.commitAtOnce(status) === false) throw cannotWait()
    return this.#demand()
  }

  failureHeaders(): Headers {
    const { cookie, clock } = this.#context
    const change = this.#writer?.cookie
    const set = change && cookie.setCookie(change, clock(), this.#request)
    return [...(set === undefined ? [] : [['set-cookie', set] as const]), ['cache-control', 'no-store']]
  }

  keys(): readonly string[] {
    return this.#draft?.currentKeys() ?? []
  }

  get id(): string | undefined {
    return this.#isSealed ? this.#writer?.storedId : this.#writer?.id
  }

  get futureId(): string {
    return (this.#isSealed ? this.#writer?.storedId : this.#writer?.futureId) ?? ''
  }

  get maxAge(): number | undefined {
    return this.#writer?.maxAge
  }

  set maxAge(ms: number | undefined) {
    if (this.#writer) this.#writer.maxAge = ms
  }

  get cookieMaxAge(): number | undefined {
    return this.#writer?.cookieMaxAge
  }

  get expiresAt(): Date | undefined {
    return this.#writer?.expiresAt
  }

  get key(): string | undefined {
    return this.#writer?.key
  }

  beginAgain(): void {
    this.#writer?.beginAgain()
  }

  get loggedInAt(): number | undefined {
    return this.#writer?.loggedInAt
  }

  get isSealed(): boolean {
    return this.#isSealed
  }

  seal(): void {
    this.#isSealed = true
  }

  get refusal(): (() => SessError) | undefined {
    if (this.#isSealed) return sealed
    const message = this.#on?.readOnly
    return message === undefined ? undefined : () => new SessError('READ_ONLY', message)
  }

  assertOpen(): void {
    const refusal = this.refusal
    if (refusal !== undefined) throw refusal()
  }

  regenerate(remember: boolean | undefined): void {
    if (remember === true && !this.#context.storage.remembers) throw cannotRemember()
    this.#writer?.regenerate(remember)
  }

  destroy(): void {
    this.#writer?.destroy()
  }

  async endLate(): Promise<void> {
    if ((await this.#writer?.endLate()) === false) throw sealed()
  }

  save(): Promise<void> {
    const saving = this.#save()
    // If the handler does not await it, the response fails with its error.
    saving.catch(() => undefined)
    return saving
  }

  async #save(): Promise<void> {
    this.assertOpen()
    const onStored = this.#on?.onStored
    const stores = onStored !== undefined && this.pending
    await this.#writer?.save()
    if (stores) onStored(this.cookie)
  }

  async reload(): Promise<boolean> {
    this.assertOpen()
    return (await this.#writer?.reload()) ?? false
  }

  #demand(): Demand {
    const { cookie, clock } = this.#context
    const change = this.#writer?.cookie
    const former = this.#visit?.cleared(change !== undefined) ?? []
    if (change === undefined && former.length === 0) {
      if (this.#draft?.isUsed !== true) return NO_DEMAND
      return this.#isLive ? PERSONAL : STRANGER
    }
    const cookies = former.map((one) => cookie.clearFormer(one, this.#request))
    if (change !== undefined) {
      if (!cookie.isPlain(this.#request) && this.#request.isPlainHttp) warnOfPlainHttp()
      if (cookie.isOutsideDomain(this.#request)) warnOfDomain()
      cookies.unshift(cookie.setCookie(change, clock(), this.#request))
    }
    return { cookies, sharing: 'forbidden', varies: change !== undefined || this.#draft?.isUsed === true }
  }
}

function cannotRemember(): SessError {
  return new SessError(
    'INVALID_OPTION',
    "session.regenerate({ remember: true }) needs the option `remember` of sessions(), which says how long: remember: { idleTimeout: '30d' }.",
  )
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
