import type { Adapter, AdapterContext, ServerStore, Store } from '@sess/core/adapter'

/** Where to open an instance. */
export interface Place {
  /**
   * Letters and digits, to be used as a prefix, a table or a file. Instances on one scope share their entries.
   * Instances on different scopes do not.
   */
  readonly scope: string
  /** `host:port` of the backend, or of a fault proxy in front of it. Without `backend.tcp` it is `''`. */
  readonly address: string
}

type Done = Promise<void> | void
/** Undoes what the function that returned it has done. */
type Undo = () => Done

/** What the suite may do to the backend. Cases that need a missing field are skipped, and the reason names it. */
export interface Backend {
  /** `host:port` that the backend listens on. The suite puts its fault proxy in front of it. */
  readonly tcp?: string
  /** Makes the backend unreachable, without losing entries. Needed only if there is no `tcp`. */
  readonly stop?: () => Done
  /** Makes the backend reachable again after `stop`, with all its entries. */
  readonly start?: () => Done
  /** Restarts the backend. If the entries do not survive, the store must declare `durability` in `lacks`. */
  readonly restart?: () => Done
  /** Makes the backend evict the entries of the scope, by the mechanism that it uses when it runs out of memory. */
  readonly evict?: (scope: string) => Done
  /** Writes foreign bytes under a key of a scope: bytes that no store on that scope wrote. */
  readonly plant?: (scope: string, key: string, bytes: Uint8Array) => Done
  /** How late the backend's own expiry may reclaim an entry, in milliseconds. Default 500. */
  readonly reclaimsWithin?: number
  /** How long resources of a closed store may still keep the process alive, in milliseconds. Default 2000. */
  readonly releasesWithin?: number
  /** Makes the backend refuse what needs room, as if it were full, and returns what makes room again. */
  readonly fill?: () => Undo | Promise<Undo>
  /** Makes the backend refuse every write, as if it were read-only, and returns what allows writes again. */
  readonly forbidWrites?: () => Undo | Promise<Undo>
  /** Starts another backend whose clock is that many milliseconds ahead, and returns its `host:port`. */
  readonly withClock?: (ahead: number) => Promise<string> | string
}

/** What the suite must know of an adapter: how to open a store, and what may be done to its backend. */
export interface Harness<O extends object = object> {
  /** The default export of the adapter's package. */
  readonly adapter: Adapter<O>
  /** Returns the options that open an instance at a place. Default: no options. */
  readonly options?: (place: Place) => O
  /** Required for a server store: what may be done to its backend, or `in-process` if it cannot become unreachable. */
  readonly backend?: Backend | 'in-process'
  /** Wrong options, each of which the adapter must refuse, in addition to those that the suite makes up. */
  readonly wrong?: readonly object[]
  /** Options that contain a client of the caller, and whether that client is open. `close` must leave it open. */
  readonly passedIn?: { readonly options: (place: Place) => O; readonly isOpen: () => boolean | Promise<boolean> }
  /** Called once after the last case. Closes what the harness has opened, such as a client, which would keep the process alive. */
  readonly close?: () => Done
}

/** Closes a store that is no longer needed, and ignores failures. */
export async function release(store: ServerStore): Promise<void> {
  try {
    await store.close()
  } catch {
    // Clause 7.5 checks `close`.
  }
}

/** Makes a store from options that no type checker has seen, as a caller in JavaScript does. */
export function makeStore(harness: Harness, options: object, context: AdapterContext): Store {
  return harness.adapter(options, context)
}
