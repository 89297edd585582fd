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
export type Store = ServerStore | ClientStore

/** What is stored under a key, or sealed into a token. */
export interface Entry {
  /** The session, as core wrote it: opaque to a store. Read back exactly, to the last code unit. */
  readonly data: string
  /** Epoch milliseconds, wall clock. Read back exactly as written. */
  readonly expiresAt: number
}

/** Opaque, made by the store, never equal to an earlier version of the same key. */
export type Version = string

/** An entry as a server store reads it. */
export interface Stored extends Entry {
  /** To be named by an `update` of this entry. */
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
  /** The version of the contract that the store keeps. */
  readonly contract: 1
  /** The adapter's name, for messages. */
  readonly name: string
  /** The longest `data`, in UTF-8 bytes. */
  readonly maxBytes: number
}

/**
 * A store that keeps entries on a backend. Every method settles within `deadline`, connecting, queueing and retrying
 * included.
 */
export interface ServerStore extends StoreBase {
  /** Entries are kept on a backend. */
  readonly kind: 'server'
  /** Milliseconds. */
  readonly deadline: number
  /** What the backend cannot do. Default: nothing. */
  readonly lacks?: readonly Lack[]

  /** Stores a new entry, and resolves with its version. `null`: the key is taken, and its entry is untouched. */
  create(key: string, entry: Entry): Promise<Version | null>

  /** Resolves with the entry. `null`: no such entry. Changes nothing: not the data, not the version, not the expiry. */
  read(key: string): Promise<Stored | null>

  /**
   * Replaces the entry whole if `version` is current, and resolves with the new version. `null`: it
   * is not (superseded, destroyed or unknown), and nothing was changed or created. There is no upsert
   * and no touch: an upsert would bring ended sessions back to life, and extending a session is an
   * update with the same data.
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

/** An entry as a client store opens it. */
export interface Opened extends Entry {
  /** An older secret opened the token: core seals the entry anew. */
  readonly outdated: boolean
}

/** A store that keeps nothing: the browser carries the entry, sealed with keys that core derives from the secrets. */
export interface ClientStore extends StoreBase {
  /** The browser carries the entry. */
  readonly kind: 'client'

  /** A token made of characters that a cookie value may hold unquoted; never the same one twice. */
  seal(entry: Entry): string | Promise<string>

  /** The entry that was sealed. `null`: not ours, altered, or malformed. Never throws for any string. */
  open(token: string): Opened | null | Promise<Opened | null>
}

/** What core hands to an adapter beside its options. */
export interface AdapterContext {
  /** The cookie that a client store's tokens go into. */
  readonly cookie: {
    /** The cookie's name as configured, without a `__Host-` or `__Secure-` prefix. */
    readonly name: string
    /** The longest value, in characters, that every browser keeps under that name. */
    readonly maxValueLength: number
  }
  /**
   * Keys of 32 bytes derived (HKDF-SHA-256, RFC 5869) for one purpose from each configured secret, newest
   * first. An adapter never sees a secret itself.
   */
  keys(purpose: string): readonly Uint8Array[]
}

/**
 * Makes a store from options. It is what an adapter's package exports by default. It throws
 * `INVALID_OPTION` for a bad option and connects lazily: it must not return a promise.
 */
export type Adapter<Options extends object = object> = (options: Options, context: AdapterContext) => Store
