import { createAdapterContext, type Lack, type ServerStore } from '@sess/core/adapter'
import type { Case, Clause, Need } from './case.js'
import { CaseRunner, type Stage } from './case-runner.js'
import { ClientStage } from './stage/client.js'
import { clientClauses, serverClauses } from './clauses/index.js'
import { type Harness, makeStore, release } from './harness.js'
import { residue, strayBreach } from './clauses/07-failure/residue.js'
import { ServerStage } from './stage/server.js'
import { ClauseError } from './verdict.js'

/** In the order in which they come. */
const TURNS = ['first', 'together', 'alone', 'last'] as const

/** When a case runs: by itself before all others, at the same time as others, or by itself after them. */
export type Turn = (typeof TURNS)[number]

/** A case, ready for a test runner. */
export interface SuiteCase {
  /** The clause's number, such as `3.2`. */
  readonly clause: string
  /** Starts with the clause's number. */
  readonly title: string
  /** When the case runs. `run` sees to it that only cases of the turn `together` run at the same time. */
  readonly turn: Turn
  /** Why the case cannot run. A runner must report it as skipped. */
  readonly skip?: string
  /** The word of `lacks` that exempts the store. Run the case, and report it as skipped with its outcome. */
  readonly lack?: Lack
  /**
   * Runs the case when its turn has come. Rejects with a `ClauseError` if the clause is broken, and with a
   * `TooSlowError` if the store is too slow to tell. `onStart` is called when the turn has come.
   */
  readonly run: (onStart?: () => void) => Promise<void>
}

/** The cases that a store must pass. */
export interface Suite {
  /** The store's name. */
  readonly name: string
  /** Which clauses apply to the store. */
  readonly kind: 'server' | 'client'
  /** In the order of the contract. Start them in the order of `inTurns`. */
  readonly cases: readonly SuiteCase[]
  /** Call it before the first case runs. From then on, errors that nobody handles are noted for clause 7.7. */
  readonly open: () => void
  /**
   * Call it after the last case. It closes what the harness has opened. Rejects with a `ClauseError` if errors were
   * noted that no case has reported.
   */
  readonly close: () => Promise<void>
}

/** Milliseconds that a case may take, apart from the deadlines that it waits for. */
const CASE_LIMIT = 60_000
/** How many deadlines a case may wait for. */
const CASE_DEADLINES = 20

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
    const runner = new CaseRunner(CASE_LIMIT)
    const circumstances = { isTcp: false, lacks: [], missing: () => undefined, runner }
    const cases = casesOf(clientClauses, () => new ClientStage(harness), circumstances)
    return suiteFrom(harness, { name: store.name, kind: 'client', cases }, runner)
  }
  void release(store)
  if (backend === undefined) {
    throw new TypeError(
      "The harness has no backend. Give backend: { tcp: 'host:port' } or { stop, start }, so that the suite can make it unreachable, or backend: 'in-process' if it runs in the process.",
    )
  }
  const runner = new CaseRunner(CASE_LIMIT + CASE_DEADLINES * store.deadline)
  const cases = casesOf(serverClauses, () => new ServerStage(harness), {
    isTcp: address !== '',
    lacks: store.lacks ?? [],
    missing: (need) => missing(harness, need, store),
    runner,
  })
  return suiteFrom(harness, { name: store.name, kind: 'server', cases }, runner)
}

interface Circumstances {
  readonly isTcp: boolean
  readonly lacks: readonly Lack[]
  /** Why a need is not met; `undefined` if it is met. */
  readonly missing: (need: Need) => string | undefined
  readonly runner: CaseRunner
}

function casesOf<S extends Stage>(
  clauses: readonly Clause<S>[],
  stageOf: () => S,
  { isTcp, lacks, missing: reasonFor, runner }: Circumstances,
): SuiteCase[] {
  return clauses.flatMap((clause) =>
    clause.cases.map((one) => {
      const skip = one.needs?.map(reasonFor).find((reason) => reason !== undefined)
      const lack = one.lacks?.find((word) => lacks.includes(word))
      const turn = turnOf(one, isTcp)
      return {
        clause: clause.id,
        title: `${clause.id} ${one.title}`,
        turn,
        ...(skip !== undefined && { skip }),
        ...(lack !== undefined && { lack }),
        run: (onStart?: () => void) => runner.run({ clause, one, isAlone: turn !== 'together', stageOf }, onStart),
      }
    }),
  )
}

/**
 * The cases in the order in which they must be started. Those that look for what a store leaves behind come first, while
 * no other case has left anything. The one that reports errors that nobody handled comes last.
 */
export function inTurns(cases: readonly SuiteCase[]): readonly SuiteCase[] {
  return TURNS.flatMap((turn) => cases.filter((one) => one.turn === turn))
}

function turnOf<S>({ turn, isAlone }: Case<S>, isTcp: boolean): Turn {
  if (turn !== undefined) return turn
  return isAlone === true || (isAlone === 'without tcp' && !isTcp) ? 'alone' : 'together'
}

function suiteFrom(harness: Harness, suite: Pick<Suite, 'name' | 'kind' | 'cases'>, runner: CaseRunner): Suite {
  return {
    ...suite,
    open: () => runner.open(),
    async close() {
      const strays = runner.close()
      await harness.close?.()
      if (strays.length > 0) throw new ClauseError(residue.id, residue.says, strayBreach(strays))
    },
  }
}

function missing({ backend, passedIn }: Harness, need: Need, store: ServerStore): string | undefined {
  const hasPrune = store.prune !== undefined
  if (need === 'prune') return hasPrune ? undefined : 'the store has no prune: its backend expires entries itself'
  if (need === 'expiry') return hasPrune ? 'the store has prune: its backend does not expire entries itself' : undefined
  if (need === 'check') return store.check === undefined ? 'the store has no check' : undefined
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
