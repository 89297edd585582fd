import type { Adapter, AdapterContext, ServerStore, Store } from '@sess/core/adapter'

/** Where an instance is to be opened. */
export interface Place {
  /** Letters and digits: a prefix, a table, a file. Instances of one scope are one store, those of two are two. */
  readonly scope: string
  /** `host:port` at which to reach the backend, where `backend.tcp` is given: a proxy may stand before it. Else `''`. */
  readonly address: string
}

type Done = Promise<void> | void

/** What the suite may do to the backend. What is missing is skipped, and the skip says so. */
export interface Backend {
  /** `host:port` where it listens. The suite puts its fault proxy before it. */
  readonly tcp?: string
  /** Makes it unreachable, and reachable again, with all that it holds: where there is no TCP. */
  readonly stop?: () => Done
  /** Undoes `stop`. */
  readonly start?: () => Done
  /** Ends it and starts it anew; whether it is then empty is for the store to declare. */
  readonly restart?: () => Done
  /** Has it evict what the scope holds, by the means by which it does that of itself. */
  readonly evict?: (scope: string) => Done
  /** Puts bytes under a key of a scope that no store of that scope wrote. */
  readonly plant?: (scope: string, key: string, bytes: Uint8Array) => Done
  /** How late, in milliseconds, its own expiry may reclaim an entry. Default 500. */
  readonly reclaimsWithin?: number
  /** How long, in milliseconds, what a store let go when it was closed may still keep the process alive. Default 2000. */
  readonly releasesWithin?: number
}

/** What an author says of an adapter, for the suite to run. */
export interface Harness<O extends object = object> {
  /** What the package exports by default. */
  readonly adapter: Adapter<O>
  /** The options that open an instance at a place. Default: none. */
  readonly options?: (place: Place) => O
  /** Of a server store: what may be done to its backend, or that there is none that could fail. */
  readonly backend?: Backend | 'in-process'
  /** Options each of which is wrong, beside those that the suite makes up itself. */
  readonly wrong?: readonly object[]
  /** A client that is the caller's, and whether it is open: a store that it is passed to must leave it so. */
  readonly passedIn?: { readonly options: (place: Place) => O; readonly isOpen: () => boolean | Promise<boolean> }
}

/** Closes a store of which no more is asked, whatever that comes to. */
export async function release(store: ServerStore): Promise<void> {
  try {
    await store.close()
  } catch {
    // What is to be said of it, clause 7.5 says.
  }
}

/** The options as a caller without types gives them. */
export function makeStore(harness: Harness, options: object, context: AdapterContext): Store {
  return harness.adapter(options, context)
}
