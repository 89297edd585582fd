import type { Entry, ServerStore, Version } from '../contract.js'
import { isSessError, safeCause, SessError } from '../error.js'
import { assertFits, type StorageContext } from './loaded-session.js'
import { decode, encode, type SessionRecord, TOMBSTONE } from './record.js'

/** A session in a server store, as it was at one version. */
export interface Snapshot {
  readonly version: Version
  readonly record: SessionRecord
}

/** How long a tombstone is stored: longer than a request lasts. */
const TOMBSTONE_MS = 60_000

/**
 * Sessions as entries of a server store. A session that moved to another token leaves a tombstone. A request that still
 * has the old token finds it, and may neither store nor end anything.
 */
export class SessionEntries {
  readonly #store: ServerStore
  readonly #context: StorageContext

  constructor(store: ServerStore, context: StorageContext) {
    this.#store = store
    this.#context = context
  }

  async read(key: string): Promise<Snapshot | 'moved' | 'none'> {
    let stored
    try {
      stored = await this.#store.read(key)
    } catch (error) {
      throw this.#mapError(error)
    }
    const now = this.#context.clock()
    if (stored === null || stored.expiresAt <= now) return 'none'
    const record = decode(stored)
    if (record === undefined) {
      throw new SessError(
        'CORRUPT',
        `The entry that the ${this.#store.name} store returned for this session's key is not a session.`,
      )
    }
    if (record === null) return 'moved'
    return this.#context.lifetime.isAlive(record, now) ? { version: stored.version, record } : 'none'
  }

  /**
   * Decides by the snapshot's own stamps. If the result is false, another request may have extended the session since.
   */
  isAlive({ record }: Snapshot): boolean {
    return this.#context.lifetime.isAlive(record, this.#context.clock())
  }

  /** Stores a new session. The key is random, so it is free. */
  async create(key: string, record: SessionRecord): Promise<Snapshot> {
    const version = await this.#answer(this.#store.create(key, this.encode(record)))
    if (version !== null) return { version, record }
    throw new SessError('UNAVAILABLE', `The ${this.#store.name} store reports that a random key is taken.`)
  }

  /** `null`: `version` is not current. */
  async update(key: string, record: SessionRecord, version: Version): Promise<Snapshot | null> {
    const next = await this.swap(key, this.encode(record), version)
    return next === null ? null : { version: next, record }
  }

  swap(key: string, entry: Entry, version: Version): Promise<Version | null> {
    return this.#answer(this.#store.update(key, entry, version))
  }

  destroy(key: string): Promise<void> {
    return this.#answer(this.#store.destroy(key))
  }

  /** Throws `TOO_LARGE`. */
  encode(record: SessionRecord): Entry {
    const data = encode(record)
    assertFits(data, record.values, this.#store)
    return { data, expiresAt: this.#context.lifetime.keepUntil(record) }
  }

  /** Marks the session as moved, if `version` is current. */
  async bury(key: string, version: Version): Promise<boolean> {
    const tombstone = { data: TOMBSTONE, expiresAt: this.#context.clock() + TOMBSTONE_MS }
    return (await this.swap(key, tombstone, version)) !== null
  }

  /** Marks the session as ended, if `version` is current: a tombstone that has expired reads as no session. */
  async end(key: string, version: Version): Promise<boolean> {
    const ended = { data: TOMBSTONE, expiresAt: this.#context.clock() }
    return (await this.swap(key, ended, version)) !== null
  }

  async #answer<T>(call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      throw this.#mapError(error)
    }
  }

  /** A store must reject with a `SessError`. Any other error may show what the store was sent, so it is replaced. */
  #mapError(error: unknown): SessError {
    if (isSessError(error)) return error
    return new SessError('UNAVAILABLE', `The ${this.#store.name} store failed.`, { cause: safeCause(error) })
  }
}
