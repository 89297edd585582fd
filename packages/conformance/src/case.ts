import type { Lack } from '@sess/core/adapter'
import type { ClientStage } from './stage/client.js'
import type { ServerStage } from './stage/server.js'

/** What a case asks of the harness, beyond a store. */
export type Need = 'faults' | 'tcp' | 'restart' | 'evict' | 'plant' | 'prune' | 'expiry' | 'passedIn'

/** One thing that is done to a store, and what must come of it. */
export interface Case<S> {
  /** What is to hold, without the clause's number. */
  readonly title: string
  /** Where one is not met, the case is skipped, with the reason. Default: none. */
  readonly needs?: readonly Need[]
  /** The words of `lacks` that exempt a store from it. */
  readonly lack?: Lack
  /** It disturbs others, or they it: it runs alone. With TCP, a fault comes from a proxy of the case's own. */
  readonly isAlone?: boolean | 'without tcp'
  /** Throws a `Breach`. */
  readonly run: (stage: S) => Promise<void>
}

/** One clause of the contract, as plain data. */
export interface Clause<S> {
  /** Such as `3.2`. */
  readonly id: string
  /** What it demands, in a sentence. */
  readonly says: string
  /** At least one. */
  readonly cases: readonly Case<S>[]
}

/** A clause that a server store keeps. */
export type ServerClause = Clause<ServerStage>
/** A clause that a client store keeps. */
export type ClientClause = Clause<ClientStage>
