import { randomUUID } from 'node:crypto'
import type { Store } from '../contract.js'
import { Keyring } from '../crypto/keyring.js'
import { isSessError, SessError } from '../error.js'
import { exchangesOf } from '../exchange/exchanges.js'
import { adapterContext } from '../loading/adapter-context.js'
import type { AdapterOptions, NameOrAdapter, StoreOptions } from '../loading/adapters.js'
import { assertStore } from '../loading/assert-store.js'
import { callerOf } from '../loading/caller.js'
import { chosenAdapter, makeStore } from '../loading/make-store.js'
import { describe } from '../options/check.js'
import type { AnyData } from '../session/session.js'
import type { StandardSchema } from '../session/standard-schema.js'
import type { Rereadable, Storable } from '../session/storable.js'
import { OpenStore } from '../storage/open-store.js'
import { Application } from './application.js'
import { nearestCoreOption, readCoreOptions } from './core-options.js'
import { identityOf } from './identity.js'
import { Off } from './off.js'
import { Secretless } from './secretless.js'
import type { CoreOptions, OwnerKey, Sessions } from './types.js'

/** The store of the sessions: an adapter's name, a store or an adapter. `false` turns sessions off. */
type NameOrStore = NameOrAdapter | false | Store

/** The options that go with `S`: core's, and those of the adapter. */
type OptionsWith<S extends NameOrStore, D, I> = [S] extends [false]
  ? object | Pick<CoreOptionsOf<D, I>, 'schema'>
  : CoreOptionsOf<D, I> & StoreOptions<Exclude<S, false>>

/** Core's options for sessions that hold `D`, which a schema makes of `I`. */
type CoreOptionsOf<D, I> = CoreOptions<OwnerKey<NoInfer<D>>, StandardSchema<I, D> & Rereadable<D, I>>

/**
 * Turns sessions on or off for an application. It is synchronous, so a mistake in the options fails at start.
 *
 * - `sessions({ secret })`: with the cookie store.
 * - `sessions('redis', { secret, url })`: with the adapter of that name.
 * - `sessions(redis, { secret, url })`: with an imported adapter, for bundlers and edge runtimes.
 * - `sessions(store, { secret })`: with a store that you made, and that you close.
 * - `sessions(false)`: off.
 *
 * Declare the type of the values on the constant: `const sess: Sessions<Data> = sessions(…)`. The adapter's options are
 * then checked too; `sessions<Data>(…)` checks only core's.
 *
 * Throws `INVALID_OPTION`, `ADAPTER_NAME`, `ADAPTER_NOT_FOUND`, `ADAPTER_LOAD_FAILED` or `ADAPTER_INVALID`.
 */
export function sessions<D extends Storable<D> = AnyData, I = unknown>(
  options: false | (CoreOptionsOf<D, I> & AdapterOptions<'cookie'>),
): Sessions<D>
/** Turns sessions on with the name of an adapter, an adapter or a store, or turns them off, as described above. */
// One signature for all of these: with several, the compiler would report only what is wrong with the last one.
export function sessions<D extends Storable<D> = AnyData, S extends NameOrStore = NameOrStore, I = unknown>(
  nameOrStore: S,
  options: OptionsWith<S, D, I>,
): Sessions<D>
export function sessions(first: unknown, second?: unknown): Sessions {
  try {
    return start(first, second)
  } catch (error) {
    // The mistake is in the line that called sessions(). Node shows ten stack frames, and more may lie in between.
    if (isSessError(error)) Error.captureStackTrace(error, sessions)
    throw error
  }
}

function start(first: unknown, second: unknown): Sessions {
  if (first === false) return new Off()
  const isOptions = typeof first === 'object' && first !== null && !('contract' in first) && second === undefined
  const { settings, rest } = readCoreOptions(isOptions ? first : second)
  const { secrets, secretlessStep } = settings
  const keyring = new Keyring(secretlessStep === undefined ? secrets : [randomUUID()])
  const chosen = isOptions ? 'cookie' : first
  const on = (opened: OpenStore, identity: string) => {
    const application = new Application(opened, settings, keyring, exchangesOf(identity))
    if (secretlessStep === undefined) return application
    // All options but the secret have been checked, and nothing has used the store.
    void application.close().catch(() => undefined)
    return new Secretless(secretlessStep)
  }
  const named = chosenAdapter(chosen, settings.from, () => callerOf(sessions))
  if (named !== undefined) {
    const identity = identityOf(keyring, settings.cookie.name, named.adapter, rest)
    const context = adapterContext(keyring, settings.cookie)
    return on(
      OpenStore.shared(identity, () => makeStore(named, rest, context, nearestCoreOption)),
      identity,
    )
  }
  if (typeof chosen === 'object' && chosen !== null) {
    assertNoOptions(rest)
    assertStore(chosen, 'What sessions() was given is not a store')
    return on(OpenStore.given(chosen), identityOf(keyring, settings.cookie.name, chosen, rest))
  }
  throw new SessError(
    'INVALID_OPTION',
    `The first argument of sessions() is ${describe(first)}; expected the name of an adapter, such as 'redis', an adapter, a store, or false to turn sessions off. ` +
      'If it comes from an environment variable, is the variable set?',
  )
}

function assertNoOptions(rest: object): void {
  const [name] = Object.keys(rest)
  if (name === undefined) return
  throw new SessError(
    'INVALID_OPTION',
    `Option ${JSON.stringify(name)} is not one of core's. Pass a store's options to the code that makes the store.`,
  )
}
