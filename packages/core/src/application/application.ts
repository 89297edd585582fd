import type { Finding } from '../contract.js'
import type { Keyring } from '../crypto/keyring.js'
import { SessError } from '../error.js'
import { valuesOf } from '../exchange/cookie.js'
import { SessionExchange } from '../exchange/exchange.js'
import type { CarrierContext, Exchanges } from '../exchange/exchanges.js'
import type { IncomingRequest } from '../exchange/request.js'
import type { Exchange, ExchangeOptions } from '../exchange/types.js'
import { openFetch, wrapFetch } from '../fetch/handler.js'
import { IncomingFetchRequest, isFetchRequest } from '../fetch/request.js'
import type { FetchHandler } from '../fetch/types.js'
import { assertAccepted } from '../loading/assert-store.js'
import { Observer } from '../observing/observer.js'
import { openNode } from '../node/open.js'
import { IncomingNodeRequest, isClosed, isNodeRequest, type NodeRequest } from '../node/request.js'
import type { NodeResponse } from '../node/response.js'
import { type Check, describe, invalidOption, optional, readOptions } from '../options/check.js'
import { type Duration, duration } from '../options/duration.js'
import { HOW_TO_MAKE_ONE, isGuessable } from '../options/secret.js'
import { handleOf } from '../session/proxy.js'
import { isOwnerId, type OwnerId, OwnerKey } from '../owners/owner-id.js'
import { readOnly } from '../session/read-only.js'
import { SessionSchema } from '../session/schema.js'
import type { AnyData, Data, Session } from '../session/session.js'
import type { FormerVisit } from '../storage/former-visit.js'
import type { OpenStore } from '../storage/open-store.js'
import { SessionStorage } from '../storage/storage.js'
import { Warnings } from '../warnings.js'
import type { Settings } from './core-options.js'
import { detailsOf } from './details.js'
import { SessionOwner } from './owner.js'
import type { Owner, SessionDetails, Sessions, WatchOptions } from './types.js'

const EVERY_MS = 10_000
/** A session that moves leaves its new key for a minute, so it has to be asked for twice within that. */
const MOST_EVERY_MS = 30_000

const interval: Check<number> = (value, path) => {
  const ms = duration(value, path)
  if (ms <= MOST_EVERY_MS) return ms
  throw invalidOption(path, value, "at most '30s'")
}

const WATCH_CHECKS = { every: optional(interval, EVERY_MS) }

/** Sessions that are turned on. */
export class Application implements Sessions {
  readonly #context: CarrierContext
  /** What is wrong with the secrets. */
  readonly #secretFindings: readonly Finding[]

  constructor(opened: OpenStore, settings: Settings, keyring: Keyring, exchanges: Exchanges) {
    assertAccepted(opened.store, settings.accept)
    const { cookie, clock, lifetime, onConflict, owner, maxPerOwner, migrate } = settings
    if (owner !== undefined && opened.store.kind === 'client') throw notListed(opened.store.name)
    this.#secretFindings = settings.secrets.some(isGuessable) ? [guessable()] : []
    const warnings = new Warnings()
    const onError = harmless(settings.onError, warnings)
    const schema = settings.schema && new SessionSchema(settings.schema, owner, onError)
    const storage = new SessionStorage(opened, keyring, {
      clock,
      lifetime,
      onConflict,
      cookieName: cookie.name,
      cookiePlace: cookie.place,
      persistent: cookie.persistent,
      ownerKey: owner === undefined ? undefined : new OwnerKey(owner, keyring, cookie.name),
      maxPerOwner,
      migrate,
      warnings,
      observer: new Observer(opened.store.name),
      onError,
    })
    this.#context = { cookie, clock, storage, exchanges, onError, schema }
  }

  open(request: NodeRequest | Request, response?: NodeResponse): Promise<Session<AnyData>> {
    return response === undefined ? openFetch(this.#context, request) : openNode(this.#context, request, response)
  }

  fetch<A extends readonly unknown[]>(handler: FetchHandler<A>): (request: Request, ...rest: A) => Promise<Response> {
    return wrapFetch(this.#context, handler)
  }

  async read(request: NodeRequest | Request): Promise<Readonly<Data<AnyData>> | null> {
    const { storage, schema } = this.#context
    const { record } = await storage.find(...this.#cookiesOf(request))
    return record ? readOnly(schema?.read(record.values) ?? record.values, unwritable) : null
  }

  exchange(from: string | null | undefined | NodeRequest | Request, on: ExchangeOptions = {}): Exchange<AnyData> {
    const isLocal = on.https === false
    if (from === null || from === undefined || typeof from === 'string')
      return new SessionExchange(this.#context, { cookie: from, host: undefined, isPlainHttp: isLocal, isLocal }, on)
    if (!isNodeRequest(from)) {
      throw new SessError(
        'INVALID_REQUEST',
        `exchange takes a request, or the value of its Cookie header; it was given ${describe(from)}.`,
      )
    }
    const incoming = incomingRequest(from)
    const request =
      on.https === undefined
        ? incoming
        : { cookie: incoming.cookie, host: incoming.host, isPlainHttp: isLocal, isLocal }
    return new SessionExchange(this.#context, request, on)
  }

  async inspect(cookie: string): Promise<SessionDetails<AnyData> | null> {
    if (typeof cookie !== 'string') {
      throw new SessError(
        'INVALID_VALUE',
        `sess.inspect takes the value of a Cookie header, or of the session's cookie; it was given ${describe(cookie)}.`,
      )
    }
    const { storage, schema, cookie: policy } = this.#context
    const { record } = await storage.find(policy.valuesIn(cookie), undefined)
    return record ? detailsOf(record, storage, schema) : null
  }

  id(session: Session<AnyData>): string | undefined {
    return handleOf(session)?.id
  }

  expiresAt(session: Session<AnyData>): Date | undefined {
    return handleOf(session)?.expiresAt
  }

  owner(id: OwnerId): Owner<AnyData> {
    const { storage, schema } = this.#context
    if (storage.owners === undefined) throw ownerless()
    if (isOwnerId(id)) return new SessionOwner(storage, storage.owners, id, schema)
    throw new SessError(
      'INVALID_VALUE',
      `sess.owner takes a number, or a string that is not empty; it was given ${describe(id)}.`,
    )
  }

  async watch(request: NodeRequest | Request, options: WatchOptions = {}): Promise<AbortSignal> {
    const { every } = readOptions('watch', options, WATCH_CHECKS)
    const isOver = isFetchRequest(request) ? () => request.signal.aborted : () => isClosed(request)
    return this.#context.storage.watch(...this.#cookiesOf(request), every, isOver)
  }

  /** The tokens of a request, and what it has of other libraries' sessions. */
  #cookiesOf(request: NodeRequest | Request): [readonly string[], FormerVisit | undefined] {
    const { cookie, storage } = this.#context
    const incoming = incomingRequest(request)
    return [cookie.values(incoming), storage.visit((name) => valuesOf(incoming, name))]
  }

  isFresh(session: Session<AnyData>, within: Duration): boolean {
    const ms = duration(within, 'within')
    const loggedInAt = handleOf(session)?.loggedInAt
    return loggedInAt !== undefined && this.#context.clock() - loggedInAt <= ms
  }

  discard(session: Session<AnyData>): void {
    const handle = handleOf(session)
    if (handle === undefined) {
      throw new SessError('INVALID_REQUEST', `discard takes a session; it was given ${describe(session)}.`)
    }
    if (handle.isSealed) {
      throw new SessError(
        'SEALED',
        'sess.discard was called after the response began, when the changes were on their way to the store. Call it before the first write, end or redirect.',
      )
    }
    handle.discard()
  }

  ready(): Promise<void> {
    return this.#context.storage.ready()
  }

  async check(): Promise<readonly Finding[]> {
    return [...this.#secretFindings, ...(await this.#context.storage.check())]
  }

  prune(): Promise<number> {
    return this.#context.storage.prune()
  }

  close(): Promise<void> {
    return this.#context.storage.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function incomingRequest(request: NodeRequest | Request): IncomingRequest {
  return isFetchRequest(request) ? new IncomingFetchRequest(request) : new IncomingNodeRequest(request)
}

/** An `onError` that itself throws or rejects must end neither a response nor the process. */
function harmless(onError: Settings['onError'], warnings: Warnings): Settings['onError'] {
  // The result may be a promise, whatever its type says.
  const call = async (error: unknown): Promise<unknown> => onError(error)
  const warn = (failure: unknown) => {
    warnings.once('SESS_ON_ERROR', `Your onError failed; it must neither throw nor reject. ${String(failure)}`)
  }
  return (reason) => void call(reason).catch(warn)
}

function notListed(store: string): SessError {
  return new SessError(
    'INVALID_OPTION',
    `Option owner needs a store on a server: nothing lists the sessions of the ${store} store, which the browsers hold. See its README.`,
  )
}

function ownerless(): SessError {
  return new SessError(
    'INVALID_OPTION',
    "sess.owner needs the option `owner` of sessions(): the key of the session that holds the user's id, as in owner: 'userId'.",
  )
}

function guessable(): Finding {
  const message = `A secret repeats a few characters, so it can be guessed, and whoever guesses it makes sessions of their own. ${HOW_TO_MAKE_ONE}`
  return { code: 'SECRET_WEAK', severity: 'error', message }
}

function unwritable(): SessError {
  return new SessError(
    'READ_ONLY',
    'What read() returned cannot be changed. To change the session, open it in a request that has a response.',
  )
}
