import { adapterContext } from './adapter-context.js'
import type { AdapterOptions } from './adapters.js'
import { callerOf } from './caller.js'
import { describe } from './check.js'
import { ClientHold } from './client-hold.js'
import type { Adapter, Store } from './contract.js'
import { SessError } from './error.js'
import { type Exchange, type ExchangeTerms, SessionExchange } from './exchange.js'
import { settle } from './fetch.js'
import { Gate } from './gate.js'
import type { Hold, Terms } from './hold.js'
import { loadAdapter, resolutionBases } from './loader.js'
import type { NodeRequest, NodeResponse } from './node.js'
import { type CoreOptions, readCoreOptions, type Settings } from './options.js'
import { readOnly } from './read-only.js'
import { Keyring } from './secret.js'
import { ServerHold } from './server-hold.js'
import { type AnyData, type Data, ownerOf, type Session, type Storable } from './session.js'
import { SessionEntries } from './session-entries.js'
import { assertAccepted, assertStore } from './store.js'
import { Swaps } from './swaps.js'
import { TokenMint } from './token.js'
import { plainHttp, SECURE, type Transport, transportOfFetch, transportOfNode } from './transport.js'
import { Warnings } from './warning.js'

type FetchHandler<A extends readonly unknown[]> = (request: Request, ...rest: A) => Response | Promise<Response>

/** The sessions of an application, or of one slice of it. */
export interface Sessions<D extends Storable<D> = AnyData> {
  /**
   * The session of a request of node:http or node:http2, loaded at the first call and the same one at
   * every other. What is changed in it is stored before the response leaves.
   */
  open(request: NodeRequest, response: NodeResponse): Promise<Session<D>>
  /** The session of a `Request` that `fetch` is handling. */
  open(request: Request): Promise<Session<D>>

  /** Wraps a fetch handler, so that it can `open` sessions and its responses carry them. */
  fetch<A extends readonly unknown[]>(handler: FetchHandler<A>): (request: Request, ...rest: A) => Promise<Response>

  /**
   * What the session holds at this moment, where there is no response to store with: upgrades, event
   * streams, sockets. Asks the store at each call; `null` where there is no session, or no longer.
   */
  read(request: NodeRequest | Request): Promise<Readonly<Data<D>> | null>

  /**
   * For bindings to other frameworks. `https: false` says that a browser on this machine speaks plain
   * http, so that outside production its cookie goes without Secure.
   */
  exchange(cookie: string | null | undefined, on?: { readonly https?: boolean }): Exchange<D>

  /** A name for the session in logs, which opens nothing; another after each login. `undefined` where nothing is stored yet. */
  id(session: Session<D>): string | undefined

  /** Lets what is under way end, and closes the store unless it was passed in. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Turns sessions on, or off, for an application. It is synchronous, and fails at start.
 *
 * - `sessions({ secret })`: on the cookie store;
 * - `sessions('redis', { secret, url })`: on the adapter of that name;
 * - `sessions(redis, { secret, url })`: on an imported adapter, for bundlers and edge runtimes;
 * - `sessions(store, { secret })`: on a store, which the application closes itself;
 * - `sessions(false)`: off.
 *
 * Throws `INVALID_OPTION`, and what `ErrorCode` says of adapters.
 */
export function sessions<D extends Storable<D> = AnyData>(options: CoreOptions & AdapterOptions<'cookie'>): Sessions<D>
export function sessions<D extends Storable<D> = AnyData>(off: false, options?: object): Sessions<D>
export function sessions<D extends Storable<D> = AnyData>(store: Store, options: CoreOptions): Sessions<D>
export function sessions<D extends Storable<D> = AnyData, O extends object = object>(
  adapter: Adapter<O>,
  options: CoreOptions & NoInfer<O>,
): Sessions<D>
export function sessions<D extends Storable<D> = AnyData, N extends string = string>(
  name: N,
  options: CoreOptions & AdapterOptions<N>,
): Sessions<D>
export function sessions(first: unknown, second?: unknown): Sessions {
  if (first === false) return new SessionsOff()
  const isOptions = typeof first === 'object' && first !== null && !('contract' in first) && second === undefined
  const { settings, rest } = readCoreOptions(isOptions ? first : second)
  const keyring = new Keyring(settings.secrets)
  const make = (adapter: Adapter, name: string): Store => {
    const store: unknown = adapter(rest, adapterContext(keyring, settings.cookie))
    assertStore(store, name)
    return store
  }

  const name = isOptions ? 'cookie' : first
  if (typeof name === 'string' && name !== '') {
    const adapter = loadAdapter(name, resolutionBases(settings.from, callerOf(sessions)))
    return new SessionsOn(make(adapter, `'${name}'`), settings, keyring, true)
  }
  if (isAdapter(first)) {
    return new SessionsOn(make(first, first.name || 'function'), settings, keyring, true)
  }
  if (typeof first === 'object' && first !== null) {
    const [unknown] = Object.keys(rest)
    if (unknown !== undefined) {
      throw new SessError(
        'INVALID_OPTION',
        `Option ${JSON.stringify(unknown)} is not one of core's; the options of a store go to whatever makes it.`,
      )
    }
    assertStore(first, 'object')
    return new SessionsOn(first, settings, keyring, false)
  }
  throw new SessError(
    'INVALID_OPTION',
    `The first argument of sessions() is ${describe(first)}; expected the name of an adapter, such as 'redis', an adapter, a store, or false to turn sessions off. ` +
      'Where it comes from the environment, is the variable set?',
  )
}

function isAdapter(value: unknown): value is Adapter {
  return typeof value === 'function'
}

/** How often a store without expiry of its own is asked to drop what has expired. */
const PRUNE_INTERVAL_MS = 60_000

class SessionsOn implements Sessions {
  readonly #settings: Settings
  readonly #store: Store
  readonly #ownsStore: boolean
  readonly #find: (tokens: readonly string[]) => Promise<Hold>
  readonly #terms: ExchangeTerms
  /** By response where there is one, else by request. */
  readonly #exchanges = new WeakMap<object, SessionExchange>()
  readonly #commits = new Set<Promise<unknown>>()
  readonly #pruning: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(store: Store, settings: Settings, keyring: Keyring, ownsStore: boolean) {
    assertAccepted(store, settings.accept)
    this.#store = store
    this.#settings = settings
    this.#ownsStore = ownsStore
    const warnings = new Warnings()
    this.#find = finder(store, settings, keyring, warnings)
    this.#terms = {
      cookie: settings.cookie,
      clock: settings.clock,
      find: (tokens) => {
        this.#assertNotClosed()
        return this.#find(tokens)
      },
      track: (commit) => {
        this.#commits.add(commit)
        void commit.catch(() => undefined).finally(() => this.#commits.delete(commit))
        return commit
      },
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

  async open(request: NodeRequest | Request, response?: NodeResponse): Promise<Session<AnyData>> {
    return response === undefined ? this.#openFetch(request) : this.#openNode(request, response)
  }

  fetch<A extends readonly unknown[]>(handler: FetchHandler<A>): (request: Request, ...rest: A) => Promise<Response> {
    return async (request, ...rest) => {
      const exchange =
        this.#exchanges.get(request) ?? this.#exchange(request.headers.get('cookie'), transportOfFetch(request))
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
    const [header, transport] = isFetchRequest(request)
      ? [request.headers.get('cookie'), transportOfFetch(request)]
      : [cookieHeaderOf(request), transportOfNode(request)]
    const hold = await this.#terms.find(this.#settings.cookie.values(header, transport.isLocal))
    return hold.content ? readOnly(hold.content.fields, unwritable) : null
  }

  exchange(cookie: string | null | undefined, on: { readonly https?: boolean } = {}): Exchange<AnyData> {
    if (cookie !== null && cookie !== undefined && typeof cookie !== 'string') {
      throw new SessError(
        'INVALID_REQUEST',
        `exchange takes the value of a Cookie header; it was given ${describe(cookie)}.`,
      )
    }
    return this.#exchange(cookie, on.https === false ? plainHttp() : SECURE)
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

  #exchange(cookie: string | null | undefined, transport: Transport): SessionExchange {
    return new SessionExchange(this.#terms, cookie, transport)
  }

  #openFetch(request: unknown): Promise<Session<AnyData>> {
    const exchange = typeof request === 'object' && request !== null ? this.#exchanges.get(request) : undefined
    if (exchange) return exchange.open()
    throw new SessError(
      'INVALID_REQUEST',
      'open(request) is for the very Request that a handler wrapped by sess.fetch was given. With Node, call open(req, res).',
    )
  }

  #openNode(request: unknown, response: unknown): Promise<Session<AnyData>> {
    if (!isNodeRequest(request) || !isNodeResponse(response)) {
      throw new SessError(
        'INVALID_REQUEST',
        "open(req, res) takes Node's own request and response: req, res in Express; request.raw, reply.raw in Fastify; ctx.req, ctx.res in Koa.",
      )
    }
    let exchange = this.#exchanges.get(response)
    if (exchange === undefined) {
      exchange = this.#exchange(cookieHeaderOf(request), transportOfNode(request))
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
    await Promise.allSettled(this.#commits)
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

/** Off: nothing is loaded, stored or sent, and opening a session is an error. */
class SessionsOff implements Sessions {
  open(): Promise<never> {
    return Promise.reject(disabled())
  }

  fetch<A extends readonly unknown[]>(handler: FetchHandler<A>): (request: Request, ...rest: A) => Promise<Response> {
    return async (request, ...rest) => handler(request, ...rest)
  }

  read(): Promise<never> {
    return Promise.reject(disabled())
  }

  exchange(): Exchange<AnyData> {
    return { open: () => this.open(), pending: false, discard: () => undefined, commit: async () => [] }
  }

  id(): undefined {
    return undefined
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

function disabled(): SessError {
  return new SessError(
    'DISABLED',
    "Sessions are off: sessions() was given false. To turn them on, name a store: sessions('cookie', { secret: process.env.SESSION_SECRET }).",
  )
}

function unwritable(): SessError {
  return new SessError(
    'READ_ONLY',
    'What read() returns cannot be stored. To change the session, open it in a request that has a response.',
  )
}

function cookieHeaderOf(request: NodeRequest): string | undefined {
  const { cookie } = request.headers
  return typeof cookie === 'object' ? cookie.join('; ') : cookie
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
