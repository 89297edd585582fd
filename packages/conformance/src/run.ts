import { isError, type Lack } from '@sess/core/adapter'
import type { Harness } from './harness.js'
import { inTurns, type Suite, type SuiteCase, suiteOf } from './suite.js'
import { TooSlowError } from './verdict.js'

/** The outcome of a case. */
export interface Outcome {
  /** The clause's number, such as `3.2`. */
  readonly clause: string
  /** Starts with the clause's number. */
  readonly title: string
  /**
   * `slow`: the case was not decided, because the store was too slow although nothing had been made to fail.
   * `exempt`: the store declares in `lacks` that it cannot do this. The case was run anyway: see `isKept`.
   */
  readonly status: 'kept' | 'broken' | 'slow' | 'skipped' | 'exempt'
  /** Why the case was skipped. */
  readonly reason?: string
  /** The word of `lacks` that exempts the store from the case. */
  readonly lack?: Lack
  /** For an exempt case: whether the store kept the clause in this run. */
  readonly isKept?: boolean
  /**
   * If the clause is broken: the clause, what was checked, what was expected and what was received. If the store was too
   * slow: what was late, and the limit.
   */
  readonly message?: string
  /** Duration in milliseconds, without the wait for other cases. */
  readonly took: number
}

/** The outcome of a run. */
export interface Report {
  /** The store's name. */
  readonly store: string
  /** Which clauses apply to the store. */
  readonly kind: 'server' | 'client'
  /** In the order of the contract. */
  readonly outcomes: readonly Outcome[]
}

/** Which cases to run, and a callback for progress. */
export interface RunOptions {
  /** Selects the cases to run. Default: all. */
  readonly filter?: (one: SuiteCase) => boolean
  /** Called as each case ends. */
  readonly onOutcome?: (outcome: Outcome) => void
}

/** Runs the suite without a test runner. Rejects with a `TypeError` if the harness is incomplete or no case was run. */
export async function runSuite<O extends object>(harness: Harness<O>, options: RunOptions = {}): Promise<Report> {
  const suite = suiteOf(harness)
  suite.open()
  try {
    const outcomes = await outcomesOf(suite, options)
    return { store: suite.name, kind: suite.kind, outcomes }
  } finally {
    await suite.close()
  }
}

/** The outcomes in the order of the contract. */
async function outcomesOf({ cases }: Suite, { filter = () => true, onOutcome }: RunOptions): Promise<Outcome[]> {
  const chosen = cases.filter(filter)
  if (!chosen.some(({ skip }) => skip === undefined))
    throw new TypeError('No case was run. Either no case was selected, or every selected case is skipped.')
  const outcomes = new Map<SuiteCase, Outcome>()
  const run = async (one: SuiteCase): Promise<void> => {
    const outcome = await outcomeOf(one)
    // Errors that nobody handled are reported, whatever was selected.
    if (outcome.status === 'kept' && !chosen.includes(one)) return
    outcomes.set(one, outcome)
    onOutcome?.(outcome)
  }
  const together: Promise<void>[] = []
  for (const one of inTurns(cases)) {
    if (one.turn !== 'last' && !chosen.includes(one)) continue
    if (one.turn === 'together') together.push(run(one))
    else {
      await Promise.all(together)
      await run(one)
    }
  }
  await Promise.all(together)
  return cases.flatMap((one) => outcomes.get(one) ?? [])
}

/** Runs one case. It never rejects. */
async function outcomeOf({ clause, title, skip, lack, run }: SuiteCase): Promise<Outcome> {
  if (skip !== undefined) return { clause, title, status: 'skipped', reason: skip, took: 0 }
  let began = performance.now()
  let failure: unknown
  try {
    await run(() => (began = performance.now()))
  } catch (error) {
    failure = error
  }
  const isKept = failure === undefined
  const message = isError(failure) ? failure.message : String(failure)
  const seen = { clause, title, took: Math.round(performance.now() - began), ...(!isKept && { message }) }
  if (lack !== undefined) return { ...seen, status: 'exempt', lack, isKept }
  return { ...seen, status: isKept ? 'kept' : failure instanceof TooSlowError ? 'slow' : 'broken' }
}
