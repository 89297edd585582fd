import { describe } from './check.js'
import { ClientHold } from './client-hold.js'
import type { Store } from './contract.js'
import { SessError } from './error.js'
import { type Exchange, type ExchangeTerms, SessionExchange } from './exchange.js'
import { settle } from './fetch.js'
import { Gate } from './gate.js'
import type { Hold, Terms } from './hold.js'
import { loosen, type NodeRequest, type NodeResponse } from './node.js'
import type { Settings } from './options.js'
import { readOnly } from './read-only.js'
import type { Keyring } from './secret.js'
import { ServerHold } from './server-hold.js'
import { type AnyData, type Data, ownerOf, type Session } from './session.js'
import { SessionEntries } from './session-entries.js'
import type { FetchHandler, Sessions } from './sessions.js'
import type { Exchanges } from './slice.js'
import { assertAccepted } from './store.js'
import { Swaps } from './swaps.js'
import { Tally } from './tally.js'
import { TokenMint } from './token.js'
import { FetchVisit, NodeVisit, type Visit } from './visit.js'
import { Warnings } from './warning.js'

/** How often a store without expiry of its own is asked to drop what has expired. */
const PRUNE_INTERVAL_MS = 60_000

/** Sessions that are on. */
export class Application implements Sessions {
  readonly #settings: Settings
  readonly #store: Store
  readonly #ownsStore: boolean
  readonly #find: (tokens: readonly string[]) => Promise<Hold>
  readonly #terms: ExchangeTerms
  readonly #exchanges: Exchanges
  readonly #commits = new Tally()
  readonly #pruning: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(store: Store, ownsStore: boolean, settings: Settings, keyring: Keyring, exchanges: Exchanges) {
    assertAccepted(store, settings.accept)
    this.#store = store
    this.#settings = settings
    this.#ownsStore = ownsStore
    this.#exchanges = exchanges
    const warnings = new Warnings()
    this.#find = finder(store, settings, keyring, warnings)
    this.#terms = {
      cookie: settings.cookie,
      clock: settings.clock,
      find: (tokens) => {
        this.#assertNotClosed()
        return this.#find(tokens)
      },
      commits: this.#commits,
      onPlainHttp: () =>
        warnings.once(
          'SESS_PLAIN_HTTP',
          'A session cookie with Secure was sent by plain http, where browsers refuse it. Use https; behind a proxy that ends it, ' +
            'let the proxy set X-Forwarded-Proto; on a network that has plain http alone, set cookie: { secure: false }.',
        ),
    }
    if (store.kind === 'server' && store.prune)
      this.#pruning = setInterval(() => void this.#prune(), PRUNE_INTERVAL_MS).unref()
  }

  open(request: NodeRequest | Request, response?: NodeResponse): Promise<Session<AnyData>> {
    return response === undefined ? this.#openFetch(request) : this.#openNode(request, response)
  }

  fetch<A extends readonly unknown[]>(handler: FetchHandler<A>): (request: Request, ...rest: A) => Promise<Response> {
    return async (request, ...rest) => {
      const exchange = this.#exchanges.get(request) ?? this.#exchange(new FetchVisit(request))
      this.#exchanges.set(request, exchange)
      let response
      try {
        response = await handler(request, ...rest)
      } catch (error) {
        exchange.discard()
        await exchange.commit(500).catch(this.#settings.onError)
        throw error
      }
      return settle(exchange, response, this.#settings.onError)
    }
  }

  async read(request: NodeRequest | Request): Promise<Readonly<Data<AnyData>> | null> {
    const visit = isFetchRequest(request) ? new FetchVisit(request) : new NodeVisit(request)
    const hold = await this.#terms.find(this.#settings.cookie.values(visit))
    return hold.content ? readOnly(hold.content.fields, unwritable) : null
  }

  exchange(cookie: string | null | undefined, on: { readonly https?: boolean } = {}): Exchange<AnyData> {
    if (cookie !== null && cookie !== undefined && typeof cookie !== 'string') {
      throw new SessError(
        'INVALID_REQUEST',
        `exchange takes the value of a Cookie header; it was given ${describe(cookie)}.`,
      )
    }
    const isLocal = on.https === false
    return this.#exchange({ cookie, isPlainHttp: isLocal, isLocal })
  }

  id(session: Session<AnyData>): string | undefined {
    return ownerOf(session)?.handle
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #exchange(visit: Visit): SessionExchange {
    return new SessionExchange(this.#terms, visit)
  }

  #openFetch(request: unknown): Promise<Session<AnyData>> {
    const exchange = typeof request === 'object' && request !== null ? this.#exchanges.get(request) : undefined
    if (exchange) return exchange.open()
    return refused(
      'open(request) is for the very Request that a handler wrapped by sess.fetch was given. With Node, call open(req, res).',
    )
  }

  #openNode(request: unknown, response: unknown): Promise<Session<AnyData>> {
    if (!isNodeRequest(request) || !isNodeResponse(response)) {
      return refused(
        "open(req, res) takes Node's own request and response: req, res in Express; request.raw, reply.raw in Fastify; ctx.req, ctx.res in Koa.",
      )
    }
    let exchange = this.#exchanges.get(response)
    if (exchange === undefined) {
      exchange = this.#exchange(new NodeVisit(request))
      loosen(response)
      this.#exchanges.set(response, exchange)
      if (response.headersSent) exchange.seal()
      else new Gate(response, exchange, this.#settings.onError).install()
    }
    return exchange.open()
  }

  #assertNotClosed(): void {
    if (this.#closing) throw new SessError('CLOSED', 'These sessions are closed.')
  }

  async #close(): Promise<void> {
    clearInterval(this.#pruning)
    await this.#commits.idle()
    if (this.#ownsStore && this.#store.kind === 'server') await this.#store.close()
  }

  async #prune(): Promise<void> {
    try {
      if (this.#store.kind === 'server') await this.#store.prune?.(this.#settings.clock())
    } catch (error) {
      this.#settings.onError(error)
    }
  }
}

function finder(
  store: Store,
  settings: Settings,
  keyring: Keyring,
  warnings: Warnings,
): (tokens: readonly string[]) => Promise<Hold> {
  const { clock, lifetime, onConflict, cookie } = settings
  const terms: Terms = {
    clock,
    lifetime,
    onConflict,
    persistent: cookie.persistent,
    onForeignToken: () =>
      warnings.once(
        'SESS_FOREIGN_TOKEN',
        `A cookie named '${cookie.name}' was made with another secret. Do two applications on this host use one cookie name? ` +
          'Give them one secret to share sessions, or different values of cookie.name.',
      ),
  }
  if (store.kind === 'client') return (tokens) => ClientHold.find(store, terms, tokens)
  const entries = new SessionEntries(store, terms)
  const serverTerms = { ...terms, entries, swaps: new Swaps(entries), mint: new TokenMint(keyring, cookie.name) }
  return (tokens) => ServerHold.find(serverTerms, tokens)
}

function unwritable(): SessError {
  return new SessError(
    'READ_ONLY',
    'What read() returns cannot be stored. To change the session, open it in a request that has a response.',
  )
}

function refused(message: string): Promise<never> {
  return Promise.reject(new SessError('INVALID_REQUEST', message))
}

function isFetchRequest(request: NodeRequest | Request): request is Request {
  return typeof request.headers.get === 'function'
}

function isNodeRequest(value: unknown): value is NodeRequest {
  return (
    typeof value === 'object' &&
    value !== null &&
    'headers' in value &&
    typeof value.headers === 'object' &&
    value.headers !== null
  )
}

function isNodeResponse(value: unknown): value is NodeResponse {
  return typeof value === 'object' && value !== null && 'writeHead' in value && typeof value.writeHead === 'function'
}
