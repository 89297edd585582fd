import { createHash, randomUUID } from 'node:crypto'
import type { Entry, ServerStore, Stored, Version } from '../contract.js'
import { Keyring } from '../crypto/keyring.js'
import { isSessError, SessError } from '../error.js'
import { CookiePolicy } from '../exchange/cookie.js'
import { adapterContext } from '../loading/adapter-context.js'
import type { NameOrAdapter, StoreOptions } from '../loading/adapters.js'
import { assertAccepted } from '../loading/assert-store.js'
import { type Callee, callerOf } from '../loading/caller.js'
import { chosenAdapter, makeStore } from '../loading/make-store.js'
import { type Checked, describe, readOptions } from '../options/check.js'
import { MAX_TIME } from '../options/duration.js'
import { answerOf } from '../storage/answer.js'
import { OpenStore, type StoreUser } from '../storage/open-store.js'
import { retry } from '../storage/retry.js'
import { TimeLimit } from '../storage/time-limit.js'
import { STORE_CHECKS, nearestCoreOption } from './core-options.js'
import type { CoreOptions } from './types.js'

/** The options of a store by itself, beside those of its adapter. */
export type StandaloneOptions = Pick<CoreOptions, 'from' | 'accept' | 'onError' | 'clock'>

/**
 * A store by itself, for programs that keep other things than the sessions of `sessions()` in it. An `id` is any string that
 * is not empty: the backend gets a hash of it, so what leaks from there opens no session whose token is the `id`.
 *
 * An entry that has expired by `clock` is as good as none. A call rejects with the store's error (`UNAVAILABLE`, `CORRUPT`,
 * `CLOSED`), with `TOO_LARGE` for data over `maxBytes`, and with `INVALID_VALUE` for anything else that no store takes.
 */
export interface StandaloneStore {
  /** The adapter's name. */
  readonly name: string
  /** The longest `data` that the store takes, in UTF-8 bytes. */
  readonly maxBytes: number
  /** Stores a new entry and resolves with its version. `null`: there is one of that id already. */
  create(id: string, entry: Entry): Promise<Version | null>
  /** Resolves with the entry. `null`: there is none. */
  read(id: string): Promise<Stored | null>
  /** Replaces the entry if `version` is current, and resolves with its new version. `null`: it is not. */
  update(id: string, entry: Entry, version: Version): Promise<Version | null>
  /**
   * Reads the entry, and stores what `change` returns for it, until nobody else has changed it in between: `change` may be
   * called several times. `undefined`: it stays as it is. With `from`, the first attempt begins with that state and reads
   * nothing. Resolves with what is then stored, `null` if nothing is. Rejects with `CONFLICT` if others are always first.
   */
  swap(id: string, change: (stored: Stored | null) => Entry | undefined, from?: Stored): Promise<Stored | null>
  /** Removes the entry, if there is one. */
  destroy(id: string): Promise<void>
  /** Waits for the calls in flight, and releases the backend. */
  close(): Promise<void>
}

/**
 * Opens a store by the name of its adapter, or an adapter's, without sessions and without a secret. The store is pruned
 * where its backend does not do that, and is not shared. For a bridge from another session library, or a command.
 *
 *     const store = openStore('redis', { url: process.env.REDIS_URL })
 *
 * A function or class that calls this for an application passes itself as `callee`: the adapter is then looked for from the
 * file that called it, and errors name it.
 *
 * Throws as `sessions` does, and `INVALID_OPTION` for a store that keeps nothing, such as the cookie store.
 */
export function openStore<S extends NameOrAdapter>(
  nameOrAdapter: S,
  options?: StandaloneOptions & StoreOptions<S>,
  callee?: Callee,
): StandaloneStore
export function openStore(nameOrAdapter: unknown, options: unknown = {}, callee: Callee = openStore): StandaloneStore {
  try {
    return open(nameOrAdapter, options, callee)
  } catch (error) {
    if (isSessError(error)) Error.captureStackTrace(error, callee)
    throw error
  }
}

function open(given: unknown, options: unknown, callee: Callee): StandaloneStore {
  const { settings, rest } = readStandaloneOptions(options, callee.name)
  const chosen = chosenAdapter(given, settings.from, () => callerOf(callee))
  if (chosen === undefined) {
    throw new SessError(
      'INVALID_OPTION',
      `The first argument of ${callee.name}() is ${describe(given)}; expected the name of an adapter, such as 'redis', or an adapter. ` +
        'If it comes from an environment variable, is the variable set?',
    )
  }
  // No adapter of a server store uses a secret.
  const context = adapterContext(new Keyring([randomUUID()]), new CookiePolicy({}))
  const store = makeStore(chosen, rest, context, nearestCoreOption)
  if (store.kind === 'client') {
    throw new SessError(
      'INVALID_OPTION',
      `${callee.name}() needs a store on a server: the ${store.name} store keeps nothing, the browsers hold its sessions.`,
    )
  }
  assertAccepted(store, settings.accept)
  return new KeyedStore(OpenStore.own(store), settings)
}

function readStandaloneOptions(
  given: unknown,
  title: string,
): {
  readonly settings: Checked<typeof STORE_CHECKS>
  readonly rest: Readonly<Record<string, unknown>>
} {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new SessError('INVALID_OPTION', `The options of ${title}() are ${describe(given)}; expected an object.`)
  }
  const entries = Object.entries(given)
  const settings = readOptions(title, Object.fromEntries(entries.filter(isOwn)), STORE_CHECKS)
  return { settings, rest: Object.fromEntries(entries.filter((entry) => !isOwn(entry))) }
}

function isOwn([name]: readonly [string, unknown]): boolean {
  return Object.hasOwn(STORE_CHECKS, name)
}

class KeyedStore implements StandaloneStore {
  readonly name: string
  readonly maxBytes: number
  readonly #store: ServerStore
  readonly #opened: OpenStore<ServerStore>
  readonly #user: WeakRef<StoreUser>
  readonly #context: StoreUser

  constructor(opened: OpenStore<ServerStore>, context: StoreUser) {
    const { store } = opened
    this.name = store.name
    this.maxBytes = store.maxBytes
    this.#store = store
    this.#opened = opened
    this.#context = context
    this.#user = opened.join(context)
  }

  // Async, like the others: a bad argument rejects.
  async create(id: string, entry: Entry): Promise<Version | null> {
    const key = keyOf(id)
    const version = await this.#create(key, this.#checked(entry))
    if (version !== null) return version
    // The backend may still hold what has expired.
    const stored = await answerOf(this.#store, this.#store.read(key))
    return stored === null || this.#isAlive(stored) ? null : this.#update(key, entry, stored.version)
  }

  async read(id: string): Promise<Stored | null> {
    return this.#alive(await answerOf(this.#store, this.#store.read(keyOf(id))))
  }

  async update(id: string, entry: Entry, version: Version): Promise<Version | null> {
    const key = keyOf(id)
    if (typeof version === 'string') return this.#update(key, this.#checked(entry), version)
    throw new SessError('INVALID_VALUE', `A version is a string that the store returned, not ${describe(version)}.`)
  }

  async swap(id: string, change: (stored: Stored | null) => Entry | undefined, from?: Stored): Promise<Stored | null> {
    const key = keyOf(id)
    const limit = new TimeLimit(this.#store)
    const attempt = async (found: Stored | null): Promise<{ readonly stored: Stored | null } | undefined> => {
      const alive = this.#alive(found)
      const entry = change(alive)
      if (entry === undefined) return { stored: alive }
      const { data, expiresAt } = this.#checked(entry)
      limit.check()
      const version = await (found === null
        ? this.#create(key, { data, expiresAt })
        : this.#update(key, { data, expiresAt }, found.version))
      return version === null ? undefined : { stored: { data, expiresAt, version } }
    }
    const first = from && (await attempt(from))
    const again = async () => {
      limit.check()
      return attempt(await answerOf(this.#store, this.#store.read(key)))
    }
    return (first ?? (await retry(limit, again))).stored
  }

  async destroy(id: string): Promise<void> {
    await answerOf(this.#store, this.#store.destroy(keyOf(id)))
  }

  close(): Promise<void> {
    return this.#opened.leave(this.#user)
  }

  #create(key: string, entry: Entry): Promise<Version | null> {
    return answerOf(this.#store, this.#store.create(key, entry))
  }

  #update(key: string, entry: Entry, version: Version): Promise<Version | null> {
    return answerOf(this.#store, this.#store.update(key, entry, version))
  }

  #isAlive({ expiresAt }: Stored): boolean {
    return expiresAt > this.#context.clock()
  }

  #alive(stored: Stored | null): Stored | null {
    return stored !== null && this.#isAlive(stored) ? stored : null
  }

  /** Throws `INVALID_VALUE` or `TOO_LARGE` for what the contract keeps from a store. */
  #checked(entry: Entry): Entry {
    const { data, expiresAt }: { data: unknown; expiresAt: unknown } = entry
    if (typeof data !== 'string' || /\p{Surrogate}/u.test(data)) {
      throw new SessError('INVALID_VALUE', `The data of an entry is ${describe(data)}; expected well-formed text.`)
    }
    if (!Number.isInteger(expiresAt) || Number(expiresAt) < 1 || Number(expiresAt) > MAX_TIME) {
      throw new SessError(
        'INVALID_VALUE',
        `The expiresAt of an entry is ${describe(expiresAt)}; expected a time in whole epoch milliseconds.`,
      )
    }
    const bytes = Buffer.byteLength(data)
    if (bytes > this.maxBytes) {
      throw new SessError('TOO_LARGE', `The entry has ${bytes} bytes; the ${this.name} store takes ${this.maxBytes}.`)
    }
    return entry
  }
}

/** The key of an id in the store: a one-way hash. No key of a session or of an owner's list begins like it. */
function keyOf(id: string): string {
  if (typeof id !== 'string' || id === '') {
    throw new SessError('INVALID_VALUE', `An id is a string that is not empty, not ${describe(id)}.`)
  }
  return `k${createHash('sha256').update(id).digest('base64url')}`
}
