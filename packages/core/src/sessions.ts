import { adapterContext } from './adapter-context.js'
import type { AdapterOptions, KnownOptions } from './adapters.js'
import { Application } from './application.js'
import { callerOf } from './caller.js'
import { describe } from './check.js'
import type { Adapter, AdapterContext, Store } from './contract.js'
import { isSessError, SessError } from './error.js'
import type { Exchange } from './exchange.js'
import { loadAdapter, resolutionBases } from './loader.js'
import type { NodeRequest, NodeResponse } from './node.js'
import { Off } from './off.js'
import { type CoreOptions, nearestCoreOption, readCoreOptions } from './options.js'
import { Keyring } from './secret.js'
import type { AnyData, Data, Session, Storable } from './session.js'
import { exchangesOf } from './slice.js'
import { assertStore } from './store.js'

/** Answers a `Request` with a `Response`. */
export type FetchHandler<A extends readonly unknown[]> = (request: Request, ...rest: A) => Response | Promise<Response>

/** The sessions of an application, or of one slice of it. */
export interface Sessions<D extends Storable<D> = AnyData> {
  /**
   * The session of a request of node:http or node:http2, loaded at the first call and the same one at
   * every other. What is changed in it is stored before the response leaves. Rejects with what the
   * store says, such as `UNAVAILABLE`; with `DISABLED` where sessions are off; and with
   * `INVALID_REQUEST` for anything but Node's own request and response.
   */
  open(request: NodeRequest, response: NodeResponse): Promise<Session<D>>
  /** The session of a `Request` that `fetch` is handling. Rejects as for Node, and for any other `Request`. */
  open(request: Request): Promise<Session<D>>

  /** Wraps a fetch handler, so that it can `open` sessions and its responses carry them. */
  fetch<A extends readonly unknown[]>(handler: FetchHandler<A>): (request: Request, ...rest: A) => Promise<Response>

  /**
   * What the session holds at this moment, where there is no response to store with: upgrades, event
   * streams, sockets. Asks the store at each call; `null` where there is no session, or no longer. A
   * change to it throws `READ_ONLY`. Rejects with what the store says.
   */
  read(request: NodeRequest | Request): Promise<Readonly<Data<D>> | null>

  /**
   * For bindings to other frameworks. `cookie` is the value of the `Cookie` header: throws
   * `INVALID_REQUEST` for what is no text. `https: false` says that a browser on this machine speaks
   * plain http, so that outside production its cookie goes without Secure.
   */
  exchange(cookie: string | null | undefined, on?: { readonly https?: boolean }): Exchange<D>

  /** A name for the session in logs, which opens nothing; another after each login. `undefined` where nothing is stored yet. */
  id(session: Session<D>): string | undefined

  /**
   * Lets what is under way end, and closes the store unless it was passed in. Later calls are `CLOSED`. `await using`
   * closes as well.
   */
  close(): Promise<void>
  // Of `lib` esnext.disposable: without @ts-ignore, an application with an older `lib` that checks its libraries would not compile.
  /** @ts-ignore Not known to every `lib`, perhaps. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What keeps the sessions; `false`: nothing, they are off. */
type NameOrStore = string | false | Store | ((options: never, context: AdapterContext) => Store)

/** The options that go with `S`: core's, and beside them those of the adapter. */
type OptionsWith<S extends NameOrStore> = [S] extends [false] ? object : CoreOptions & StoreOptions<Exclude<S, false>>

type StoreOptions<S> = S extends string
  ? AdapterOptions<S>
  : S extends (options: infer O, context: never) => unknown
    ? KnownOptions<O>
    : object

/**
 * Turns sessions on, or off, for an application. It is synchronous, and fails at start.
 *
 * - `sessions({ secret })`: on the cookie store;
 * - `sessions('redis', { secret, url })`: on the adapter of that name;
 * - `sessions(redis, { secret, url })`: on an imported adapter, for bundlers and edge runtimes;
 * - `sessions(store, { secret })`: on a store, which the application closes itself;
 * - `sessions(false)`: off.
 *
 * Say what the session holds at the constant, `const sess: Sessions<Data> = sessions(…)`, so that the
 * adapter's options are checked too: `sessions<Data>(…)` checks core's alone.
 *
 * Throws `INVALID_OPTION`, and what `ErrorCode` says of adapters.
 */
export function sessions<D extends Storable<D> = AnyData>(
  options: false | (CoreOptions & AdapterOptions<'cookie'>),
): Sessions<D>
/** On the adapter of a name, on an adapter or on a store; or off. What is said above holds here too. */
// One signature for whatever keeps the sessions: of several, the compiler would report what is wrong with the last.
export function sessions<D extends Storable<D> = AnyData, S extends NameOrStore = NameOrStore>(
  nameOrStore: S,
  options: OptionsWith<S>,
): Sessions<D>
export function sessions(first: unknown, second?: unknown): Sessions {
  try {
    return start(first, second)
  } catch (error) {
    // What is wrong is on the application's line: Node shows ten lines, and more may lie between.
    if (isSessError(error)) Error.captureStackTrace(error, sessions)
    throw error
  }
}

function start(first: unknown, second: unknown): Sessions {
  if (first === false) return new Off()
  const isOptions = typeof first === 'object' && first !== null && !('contract' in first) && second === undefined
  const { settings, rest } = readCoreOptions(isOptions ? first : second)
  const keyring = new Keyring(settings.secrets)
  const chosen = isOptions ? 'cookie' : first
  const on = (store: Store, isOwner: boolean) =>
    new Application(store, isOwner, settings, keyring, exchangesOf(keyring, settings.cookie.name, chosen, rest))
  const make = (adapter: Adapter, name: string): Store => {
    const store = call(adapter, rest, adapterContext(keyring, settings.cookie))
    assertStore(store, `What the adapter ${name} makes is not a store`)
    return store
  }

  if (typeof chosen === 'string' && chosen !== '') {
    const adapter = loadAdapter(chosen, resolutionBases(settings.from, callerOf(sessions)))
    return on(make(adapter, `'${chosen}'`), true)
  }
  if (isAdapter(chosen)) return on(make(chosen, chosen.name || 'function'), true)
  if (typeof chosen === 'object' && chosen !== null) {
    assertNoOptions(rest)
    assertStore(chosen, 'What sessions() was given is not a store')
    return on(chosen, false)
  }
  throw new SessError(
    'INVALID_OPTION',
    `The first argument of sessions() is ${describe(first)}; expected the name of an adapter, such as 'redis', an adapter, a store, or false to turn sessions off. ` +
      'Where it comes from the environment, is the variable set?',
  )
}

/** An adapter knows its own options alone: where it refuses one that is nearly core's, that is said as well. */
function call(adapter: Adapter, options: Readonly<Record<string, unknown>>, context: AdapterContext): unknown {
  try {
    return adapter(options, context)
  } catch (error) {
    if (!isSessError(error) || error.code !== 'INVALID_OPTION') throw error
    const refused = Object.keys(options).find((name) => error.message.includes(JSON.stringify(name)))
    const meant = refused === undefined ? undefined : nearestCoreOption(refused)
    if (meant === undefined) throw error
    throw new SessError('INVALID_OPTION', `${error.message} Did you mean ${meant}, an option of @sess/core?`)
  }
}

function assertNoOptions(rest: object): void {
  const [name] = Object.keys(rest)
  if (name === undefined) return
  throw new SessError(
    'INVALID_OPTION',
    `Option ${JSON.stringify(name)} is not one of core's; the options of a store go to whatever makes it.`,
  )
}

function isAdapter(value: unknown): value is Adapter {
  return typeof value === 'function'
}
