import { createAdapterContext, type Lack } from '@sess/core/adapter'
import { Breach, describeError } from './breach.js'
import type { Case, Clause, Need } from './case.js'
import { ClientStage } from './stage/client.js'
import { clientClauses, serverClauses } from './clauses/index.js'
import { type Harness, makeStore, release } from './harness.js'
import { ServerStage } from './stage/server.js'

/** A clause that was broken, told whole: its number and demand, what was done, what was expected, what came. */
export class ClauseError extends Error {
  /** By which runners show it. */
  override readonly name = 'ClauseError'
  /** Its number, such as `3.2`. */
  readonly clause: string

  constructor(clause: string, says: string, breach: Breach) {
    super(`clause ${clause} is broken: ${says}\n${breach.message}`)
    this.clause = clause
  }
}

/** A case as a runner runs it. */
export interface SuiteCase {
  /** The clause's number, such as `3.2`. */
  readonly clause: string
  /** Begins with the clause's number. */
  readonly title: string
  /** It is to run while no other does. */
  readonly isAlone: boolean
  /** Why it cannot run; it is then to be reported as skipped. */
  readonly skip?: string
  /** The word of the store's `lacks` that exempts it: it is run, and reported as skipped with what came of it. */
  readonly lack?: Lack
  /** Throws a `ClauseError`. */
  readonly run: () => Promise<void>
}

/** The cases that a store is to pass. */
export interface Suite {
  /** The store's name. */
  readonly name: string
  /** Which clauses it is held to. */
  readonly kind: 'server' | 'client'
  /** In the order of the contract. */
  readonly cases: readonly SuiteCase[]
}

const CONTEXT_SECRET = 'a secret of the conformance suite, long enough'

/**
 * The cases for a harness. It makes a store, to see which cases those are, and closes it; no case has run yet.
 *
 * Throws a `TypeError` where the harness does not say enough.
 */
export function suiteOf<O extends object>(given: Harness<O>): Suite {
  // The options that a harness gives are the ones that its adapter takes, which is all that the type said.
  const harness = given as unknown as Harness
  const { backend } = harness
  const address = typeof backend === 'object' ? (backend.tcp ?? '') : ''
  const options = harness.options?.({ scope: 'conformance', address }) ?? {}
  const store = makeStore(harness, options, createAdapterContext({ secret: CONTEXT_SECRET }))
  if (store.kind === 'client') {
    const cases = casesOf(clientClauses, () => new ClientStage(harness), {
      isTcp: false,
      lacks: [],
      missing: () => undefined,
    })
    return { name: store.name, kind: 'client', cases }
  }
  void release(store)
  if (backend === undefined) {
    throw new TypeError(
      "Say how the backend is made unreachable, as backend: { tcp: 'host:port' } or { stop, start }; or backend: 'in-process', if it cannot be.",
    )
  }
  const cases = casesOf(serverClauses, () => new ServerStage(harness), {
    isTcp: address !== '',
    lacks: store.lacks ?? [],
    missing: (need) => missing(harness, need, store.prune !== undefined),
  })
  return { name: store.name, kind: 'server', cases }
}

interface Circumstances {
  readonly isTcp: boolean
  readonly lacks: readonly Lack[]
  /** Why a need is not met. */
  readonly missing: (need: Need) => string | undefined
}

interface Stage {
  close(): Promise<void>
}

function casesOf<S extends Stage>(
  clauses: readonly Clause<S>[],
  stageOf: () => S,
  { isTcp, lacks, missing: reasonFor }: Circumstances,
): SuiteCase[] {
  return clauses.flatMap((clause) =>
    clause.cases.map((one) => {
      const skip = one.needs?.map(reasonFor).find((reason) => reason !== undefined)
      const lack = one.lack !== undefined && lacks.includes(one.lack) ? one.lack : undefined
      return {
        clause: clause.id,
        title: `${clause.id} ${one.title}`,
        isAlone: one.isAlone === true || (one.isAlone === 'without tcp' && !isTcp),
        ...(skip !== undefined && { skip }),
        ...(lack !== undefined && { lack }),
        run: () => runCase(clause, one, stageOf()),
      }
    }),
  )
}

async function runCase<S extends Stage>(clause: Clause<S>, one: Case<S>, stage: S): Promise<void> {
  try {
    await one.run(stage)
  } catch (error) {
    const breach = error instanceof Breach ? error : new Breach(one.title, 'no error', describeError(error))
    throw new ClauseError(clause.id, clause.says, breach)
  } finally {
    await stage.close()
  }
}

function missing({ backend, passedIn }: Harness, need: Need, hasPrune: boolean): string | undefined {
  if (need === 'prune') return hasPrune ? undefined : 'the store has no prune: its backend expires entries itself'
  if (need === 'expiry') return hasPrune ? 'the store has prune: its backend expires nothing itself' : undefined
  if (need === 'passedIn') return passedIn ? undefined : 'the harness says of no passedIn client'
  if (typeof backend !== 'object')
    return need === 'faults' || need === 'tcp'
      ? "backend: 'in-process' cannot fail"
      : `backend: 'in-process' has no ${need}`
  if (need === 'faults') {
    const canFail = backend.tcp !== undefined || (backend.stop !== undefined && backend.start !== undefined)
    return canFail ? undefined : 'the harness gives neither backend.tcp nor backend.stop and backend.start'
  }
  return backend[need] === undefined ? `the harness gives no backend.${need}` : undefined
}
