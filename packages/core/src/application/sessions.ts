import type { Adapter, AdapterContext, Store } from '../contract.js'
import { Keyring } from '../crypto/keyring.js'
import { isSessError, SessError } from '../error.js'
import { exchangesOf } from '../exchange/exchanges.js'
import { adapterContext } from '../loading/adapter-context.js'
import type { AdapterOptions, KnownOptions } from '../loading/adapters.js'
import { assertStore } from '../loading/assert-store.js'
import { callerOf } from '../loading/caller.js'
import { loadAdapter, resolutionBases } from '../loading/loader.js'
import { describe } from '../options/check.js'
import type { AnyData } from '../session/session.js'
import type { Storable } from '../session/storable.js'
import { Application } from './application.js'
import { type CoreOptions, nearestCoreOption, readCoreOptions } from './core-options.js'
import { Off } from './off.js'
import type { Sessions } from './types.js'

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
