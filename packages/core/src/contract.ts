/**
 * The store contract, version 1.
 *
 * A store keeps sessions for `@sess/core`. There are two kinds. A server store keeps entries on a
 * backend, and the browser carries only a random token. A client store keeps nothing: it turns an
 * entry into a token that the browser carries, and back.
 *
 * Core guarantees to every store, so that no store checks it again:
 * - `data` is well-formed Unicode and at most `maxBytes` long in UTF-8;
 * - `expiresAt` is an integer from 1 to 8.64e15;
 * - `key` matches `[A-Za-z0-9_-]{1,128}` and is a one-way hash: no token reaches a server store.
 *
 * Core decides whether an entry is alive, by its own clock. A backend's expiry only collects garbage:
 * it may take an entry at or after `expiresAt` and never before.
 *
 * Missing is a value (`null`); failing is a rejection with a `SessError`: `UNAVAILABLE` when the
 * backend cannot be reached within `deadline`, `CORRUPT` when what it holds is not an entry,
 * `CLOSED` after `close`.
 */

export interface Entry {
  readonly data: string
  /** Epoch milliseconds, wall clock. Read back exactly as written. */
  readonly expiresAt: number
}

/** Opaque, made by the store, never equal to an earlier version of the same key. */
export type Version = string

export interface Stored extends Entry {
  readonly version: Version
}

/** What a backend cannot do, whatever the adapter tries. Each word exempts the clauses that name it. */
export type Lack =
  /** No compare-and-swap: of several concurrent writers, more than one may win. */
  | 'atomic'
  /** A completed write may not be visible to the next read. */
  | 'fresh'
  /** May evict an entry before it expires. */
  | 'retention'
  /** Empty after a restart. */
  | 'durability'

interface StoreBase {
  readonly contract: 1
  /** The adapter's name, for messages. */
  readonly name: string
  /** The longest `data`, in UTF-8 bytes. */
  readonly maxBytes: number
}

/** Every method settles within `deadline`, connecting, queueing and retrying included. */
export interface ServerStore extends StoreBase {
  readonly kind: 'server'
  /** Milliseconds. */
  readonly deadline: number
  readonly lacks?: readonly Lack[]

  /** Stores a new entry. `null`: the key is taken, and its entry is untouched. */
  create(key: string, entry: Entry): Promise<Version | null>

  /** `null`: no such entry. Changes nothing: not the data, not the version, not the expiry. */
  read(key: string): Promise<Stored | null>

  /**
   * Replaces the entry whole if `version` is current. `null`: it is not (superseded, destroyed or
   * unknown), and nothing was changed or created. There is no upsert and no touch: an upsert would
   * bring ended sessions back to life, and extending a session is an update with the same data.
   */
  update(key: string, entry: Entry, version: Version): Promise<Version | null>

  /** Removes the entry. An unknown key is not an error. */
  destroy(key: string): Promise<void>

  /**
   * Removes what expired at or before `now`, in bounded steps that yield to the event loop, and
   * resolves with how many. Only where the backend has no expiry of its own; core calls it from time
   * to time.
   */
  prune?(now: number): Promise<number>

  /** Lets calls in flight end and releases the backend. Closing twice is not an error. */
  close(): Promise<void>
}

export interface Opened extends Entry {
  /** An older secret opened the token: core seals the entry anew. */
  readonly outdated: boolean
}

export interface ClientStore extends StoreBase {
  readonly kind: 'client'

  /** A token made of characters that a cookie value may hold unquoted; never the same one twice. */
  seal(entry: Entry): string | Promise<string>

  /** `null`: not ours, altered, or malformed. Never throws for any string. */
  open(token: string): Opened | null | Promise<Opened | null>
}

export type Store = ServerStore | ClientStore

/** What core hands to an adapter beside its options. */
export interface AdapterContext {
  readonly cookie: {
    /** The cookie's name as configured, without a `__Host-` or `__Secure-` prefix. */
    readonly name: string
    /** The longest value, in characters, that every browser keeps under that name. */
    readonly maxValueLength: number
  }
  /**
   * Keys of 32 bytes derived (HKDF-SHA-256) for one purpose from each configured secret, newest
   * first. An adapter never sees a secret itself.
   */
  keys(purpose: string): readonly Uint8Array[]
}

/**
 * Makes a store from options. It is what an adapter's package exports by default. It throws
 * `INVALID_OPTION` for a bad option and connects lazily: it must not return a promise.
 */
export type Adapter<Options extends object = object> = (options: Options, context: AdapterContext) => Store
