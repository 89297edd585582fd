import type { Lack } from '@sess/core/adapter'
import type { ClientStage } from './stage/client.js'
import type { ServerStage } from './stage/server.js'

/** What a case needs from the harness or the store. */
export type Need =
  | 'faults'
  | 'tcp'
  | 'restart'
  | 'evict'
  | 'plant'
  | 'prune'
  | 'check'
  | 'expiry'
  | 'fill'
  | 'forbidWrites'
  | 'withClock'
  | 'passedIn'

/** One check of a store: what the suite does to it, and the result that the contract requires. */
export interface Case<S> {
  /** What the store must do, without the clause's number. */
  readonly title: string
  /** If one of them is not met, the case is skipped, and the reason is reported. Default: none. */
  readonly needs?: readonly Need[]
  /** The usual fault of a store that fails the case, and how to mend it. A failure shows it. */
  readonly hint?: string
  /** A store that names one of these words in its `lacks` is exempt from the case. Default: no store is. */
  readonly lacks?: readonly Lack[]
  /**
   * Whether the case must run alone, because it disturbs other cases or they disturb it. `without tcp`: only if the
   * backend has no TCP address. With TCP, each case has its own fault proxy.
   */
  readonly isAlone?: boolean | 'without tcp'
  /** Runs the case alone, before all others or after them. */
  readonly turn?: 'first' | 'last'
  /** Runs the check. Rejects with a `Breach` if the store fails it. */
  readonly run: (stage: S) => Promise<void>
}

/** One clause of the contract, as plain data. */
export interface Clause<S> {
  /** The clause's number, such as `3.2`. */
  readonly id: string
  /** What the clause requires, complete and in plain words. */
  readonly says: string
  /** At least one. */
  readonly cases: readonly Case<S>[]
}

/** A clause for server stores. */
export type ServerClause = Clause<ServerStage>
/** A clause for client stores. */
export type ClientClause = Clause<ClientStage>
