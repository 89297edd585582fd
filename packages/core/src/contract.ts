/**
 * The store contract, version 1. docs/contract.md has what a store must do clause by clause, with the numbers that
 * `@sess/conformance` reports.
 *
 * A store holds the sessions of `@sess/core`. There are two kinds:
 * - A server store holds entries on a backend. The browser carries only a random token.
 * - A client store holds nothing. It seals an entry into a token that the browser carries, and opens that token again.
 *
 * Core guarantees the following to every store, so a store need not check it:
 * - `data` is well-formed Unicode, at most `maxBytes` long in UTF-8.
 * - `expiresAt` is an integer from 1 to 8.64e15.
 * - `key` matches `[A-Za-z0-9_-]{1,128}`. It is a one-way hash: a server store never sees a token.
 *
 * Core decides by its own clock whether an entry is alive. A backend's expiry only collects garbage: it may remove an
 * entry at or after `expiresAt`, never before.
 *
 * A missing entry is a value, `null`. A failure is a rejection with a `SessError`:
 * - `UNAVAILABLE`: the backend cannot be reached within `deadline`.
 * - `CORRUPT`: the backend has something under the key that is not an entry.
 * - `CLOSED`: the store was closed before the call.
 */
export type Store = ServerStore | ClientStore

/** One session, as a store receives it: stored under a key, or sealed into a token. */
export interface Entry {
  /** The session as core encoded it. Opaque to the store, which returns it exactly, to the last code unit. */
  readonly data: string
  /** When the entry expires, in epoch milliseconds. The store returns it exactly as written. */
  readonly expiresAt: number
}

/** Identifies one state of an entry. Opaque, made by the store, never equal to an earlier version of the same key. */
export type Version = string

/** An entry as a server store returns it. */
export interface Stored extends Entry {
  /** Pass it to `update` to replace this entry. */
  readonly version: Version
}

/** A guarantee that a backend cannot give. Each word exempts the store from the conformance clauses that name it. */
export type Lack =
  /** No compare-and-swap: more than one of several concurrent writers may succeed. */
  | 'atomic'
  /** A completed write may not be visible to the next read. */
  | 'fresh'
  /** An entry may be evicted before it expires. */
  | 'retention'
  /** A restart loses every entry. */
  | 'durability'

/** What is wrong with the set-up of a store, or may become so. */
export interface Finding {
  /** Identifies what is wrong, such as `REDIS_EVICTION`. Stable. */
  readonly code: string
  /** `'error'`: sessions fail or are lost as it is. `'warning'`: they may be, or it could not be looked at. */
  readonly severity: 'error' | 'warning'
  /** One line that says what is wrong and how to mend it. It contains no secret, password, token or session data. */
  readonly message: string
}

interface StoreBase {
  /** The version of the contract that the store implements. */
  readonly contract: 1
  /** The adapter's name. Error messages use it. */
  readonly name: string
  /** The longest `data` that the store accepts, in UTF-8 bytes. */
  readonly maxBytes: number
}

/**
 * A store that holds entries on a backend. Every method settles within `deadline`, including the time to connect, queue
 * and retry.
 */
export interface ServerStore extends StoreBase {
  /** The backend stores the entries. */
  readonly kind: 'server'
  /** How long a call may take, in milliseconds. */
  readonly deadline: number
  /** The guarantees that the backend cannot give. Default: none, so it gives them all. */
  readonly lacks?: readonly Lack[]

  /** Stores a new entry and resolves with its version. `null`: the key is taken, and its entry is unchanged. */
  create(key: string, entry: Entry): Promise<Version | null>

  /** Resolves with the entry. `null`: there is none. It changes nothing: not the data, the version or the expiry. */
  read(key: string): Promise<Stored | null>

  /**
   * Replaces the whole entry if `version` is current, and resolves with the new version. `null`: `version` is not
   * current (superseded, destroyed or unknown), and nothing was changed or created. There is no upsert, because an
   * upsert would bring ended sessions back to life. There is no touch, because an update with the same data extends a
   * session.
   */
  update(key: string, entry: Entry, version: Version): Promise<Version | null>

  /** Removes the entry. An unknown key is not an error. */
  destroy(key: string): Promise<void>

  /**
   * Removes the entries that expired at or before `now`, and resolves with their number. It works in bounded steps and
   * yields to the event loop between them. Needed only if the backend does not expire entries itself. Core calls it
   * periodically, except on Cloudflare Workers, where the application does, by `sess.prune()`.
   */
  prune?(now: number): Promise<number>

  /**
   * Looks at the set-up of the backend, and resolves with what is wrong with it: `[]` if nothing is. It changes nothing, and
   * settles within `deadline`. What it may not look at is a finding too. It rejects as the other methods do, with
   * `UNAVAILABLE` if the backend cannot be reached.
   */
  check?(): Promise<readonly Finding[]>

  /** Waits for the calls in flight and releases the backend. Closing twice is not an error. */
  close(): Promise<void>
}

/** An entry as a client store returns it. */
export interface Opened extends Entry {
  /** The token was sealed with an older secret. Core then seals the entry again, with the newest one. */
  readonly outdated: boolean
}

/** A store that holds nothing: the browser carries the entry, sealed with keys that core derives from the secrets. */
export interface ClientStore extends StoreBase {
  /** The browser carries the entry. */
  readonly kind: 'client'

  /** Makes a token of characters that need no quotes in a cookie value. It never makes the same token twice. */
  seal(entry: Entry): string | Promise<string>

  /** Returns the entry that was sealed. `null`: the token is foreign, altered or malformed. It never throws. */
  open(token: string): Opened | null | Promise<Opened | null>
}

/** What core passes to an adapter in addition to its options. */
export interface AdapterContext {
  /** The cookie that carries a client store's tokens. */
  readonly cookie: {
    /** The cookie's name as configured, without a `__Host-` or `__Secure-` prefix. */
    readonly name: string
    /** The longest value, in characters, that every browser accepts under that name. */
    readonly maxValueLength: number
  }
  /**
   * The keys for one purpose: 32 bytes derived from each configured secret (HKDF-SHA-256, RFC 5869), newest first. An
   * adapter never sees a secret.
   */
  keys(purpose: string): readonly Uint8Array[]
}

/** A function that makes stores. An adapter's package exports it by default. */
export interface Adapter<Options extends object = object> {
  /**
   * Makes a store from options. It throws `INVALID_OPTION` for a bad option. It must not return a promise: the store
   * connects on first use.
   */
  (options: Options, context: AdapterContext): Store
  /**
   * The package and its version, such as `'sess-adapter-foo@1.2.3'`. In one process, sessions with an equal secret,
   * cookie name and options share one store of the adapter. With an `id`, so do those that have copies of the adapter, as
   * bundles make them.
   */
  readonly id?: string | undefined
}
