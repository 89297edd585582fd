import { type Content, decode, encode, TOMBSTONE } from './content.js'
import type { Entry, ServerStore, Version } from './contract.js'
import { isSessError, safeCause, SessError } from './error.js'
import { assertFits, type Terms } from './hold.js'

/** A session as a server store held it at one version. */
export interface Snapshot {
  readonly version: Version
  readonly content: Content
}

/** How long a token that was rotated away is remembered as such: longer than a request lasts. */
const TOMBSTONE_MS = 60_000

/**
 * Sessions as entries of a server store. A session that moved to another token leaves a tombstone: a
 * request that still holds the old token then learns that it may neither store nor end anything.
 */
export class SessionEntries {
  readonly #store: ServerStore
  readonly #terms: Terms

  constructor(store: ServerStore, terms: Terms) {
    this.#store = store
    this.#terms = terms
  }

  async read(key: string): Promise<Snapshot | 'rotated' | 'none'> {
    let stored
    try {
      stored = await this.#store.read(key)
    } catch (error) {
      throw this.#explain(error)
    }
    const now = this.#terms.clock()
    if (stored === null || stored.expiresAt <= now) return 'none'
    const content = decode(stored)
    if (content === undefined) {
      throw new SessError(
        'CORRUPT',
        `What the ${this.#store.name} store holds under this session's key is not a session.`,
      )
    }
    if (content === null) return 'rotated'
    return this.#terms.lifetime.isAlive(content, now) ? { version: stored.version, content } : 'none'
  }

  /** Of a snapshot that was taken a while ago: where it is not, another request may have extended the session since. */
  isAlive({ content }: Snapshot): boolean {
    return this.#terms.lifetime.isAlive(content, this.#terms.clock())
  }

  /** Of a key that was made at random, and so is free. */
  async create(key: string, content: Content): Promise<Snapshot> {
    const version = await this.#answer(this.#store.create(key, this.encode(content)))
    if (version !== null) return { version, content }
    throw new SessError('UNAVAILABLE', `The ${this.#store.name} store says that a key made at random is taken.`)
  }

  /** `null`: `version` is not current. */
  async update(key: string, content: Content, version: Version): Promise<Snapshot | null> {
    const next = await this.swap(key, this.encode(content), version)
    return next === null ? null : { version: next, content }
  }

  swap(key: string, entry: Entry, version: Version): Promise<Version | null> {
    return this.#answer(this.#store.update(key, entry, version))
  }

  destroy(key: string): Promise<void> {
    return this.#answer(this.#store.destroy(key))
  }

  /** Throws `TOO_LARGE`. */
  encode(content: Content): Entry {
    const data = encode(content)
    assertFits(data, content.fields, this.#store)
    return { data, expiresAt: this.#terms.lifetime.keepUntil(content) }
  }

  /** Marks the session as moved, if `version` is current. */
  async bury(key: string, version: Version): Promise<boolean> {
    const tombstone = { data: TOMBSTONE, expiresAt: this.#terms.clock() + TOMBSTONE_MS }
    return (await this.swap(key, tombstone, version)) !== null
  }

  /** Marks the session as ended, if `version` is current: a tombstone that has expired is nothing. */
  async end(key: string, version: Version): Promise<boolean> {
    const ended = { data: TOMBSTONE, expiresAt: this.#terms.clock() }
    return (await this.swap(key, ended, version)) !== null
  }

  async #answer<T>(call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** The contract has a store reject with a `SessError`. What another rejects with may show what it was sent. */
  #explain(error: unknown): SessError {
    if (isSessError(error)) return error
    return new SessError('UNAVAILABLE', `The ${this.#store.name} store failed.`, { cause: safeCause(error) })
  }
}
