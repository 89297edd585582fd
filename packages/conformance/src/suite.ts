import { createAdapterContext, type Lack } from '@sess/core/adapter'
import { Breach, describeError } from './breach.js'
import type { Case, Clause, Need } from './case.js'
import { ClientStage } from './stage/client.js'
import { clientClauses, serverClauses } from './clauses/index.js'
import { type Harness, makeStore, release } from './harness.js'
import { ServerStage } from './stage/server.js'

/** A broken clause: its number and text, what was checked, what was expected and received, and the usual fault. */
export class ClauseError extends Error {
  /** Always `ClauseError`. Test runners show it. */
  override readonly name = 'ClauseError'
  /** The clause's number, such as `3.2`. */
  readonly clause: string

  constructor(clause: string, says: string, breach: Breach, hint?: string) {
    const lines = hint === undefined ? breach.message : `${breach.message}\nhint:     ${hint}`
    super(`clause ${clause} is broken: ${says}\n${lines}\ncontract: docs/contract.md#clause-${clause}`)
    this.clause = clause
  }
}

/** A case, ready for a test runner. */
export interface SuiteCase {
  /** The clause's number, such as `3.2`. */
  readonly clause: string
  /** Starts with the clause's number. */
  readonly title: string
  /** Whether the case must run while no other case does. */
  readonly isAlone: boolean
  /** Why the case cannot run. A runner must report it as skipped. */
  readonly skip?: string
  /** The word of `lacks` that exempts the store. Run the case, and report it as skipped with its outcome. */
  readonly lack?: Lack
  /** Runs the case. Rejects with a `ClauseError` if the clause is broken. */
  readonly run: () => Promise<void>
}

/** The cases that a store must pass. */
export interface Suite {
  /** The store's name. */
  readonly name: string
  /** Which clauses apply to the store. */
  readonly kind: 'server' | 'client'
  /** In the order of the contract. */
  readonly cases: readonly SuiteCase[]
}

const CONTEXT_SECRET = 'a secret of the conformance suite, long enough'

/**
 * Returns the cases for a harness. It makes a store to find out which cases apply, and closes it. No case has run yet.
 *
 * Throws a `TypeError` if a server store's harness has no `backend`.
 */
export function suiteOf<O extends object>(given: Harness<O>): Suite {
  // The type parameter only ensures that the harness's options are those of its adapter.
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
      "The harness has no backend. Give backend: { tcp: 'host:port' } or { stop, start }, so that the suite can make it unreachable, or backend: 'in-process' if it runs in the process.",
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
  /** Why a need is not met; `undefined` if it is met. */
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
      const lack = one.lacks?.find((word) => lacks.includes(word))
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
    throw new ClauseError(clause.id, clause.says, breach, one.hint)
  } finally {
    await stage.close()
  }
}

function missing({ backend, passedIn }: Harness, need: Need, hasPrune: boolean): string | undefined {
  if (need === 'prune') return hasPrune ? undefined : 'the store has no prune: its backend expires entries itself'
  if (need === 'expiry') return hasPrune ? 'the store has prune: its backend does not expire entries itself' : undefined
  if (need === 'passedIn') return passedIn ? undefined : 'the harness has no passedIn client'
  if (typeof backend !== 'object')
    return need === 'faults' || need === 'tcp'
      ? "backend: 'in-process' cannot fail"
      : `backend: 'in-process' has no ${need}`
  if (need === 'faults') {
    const canFail = backend.tcp !== undefined || (backend.stop !== undefined && backend.start !== undefined)
    return canFail ? undefined : 'the harness has neither backend.tcp nor backend.stop and backend.start'
  }
  return backend[need] === undefined ? `the harness has no backend.${need}` : undefined
}
