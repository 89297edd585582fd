import type { Lack } from '@sess/core/adapter'
import { CASE_TIMEOUT_MS } from './runner.js'
import type { Harness } from './harness.js'
import { type SuiteCase, suiteOf } from './suite.js'

/** How many cases run at the same time, apart from those that must run alone. */
const WIDTH = 12

/** The outcome of a case. */
export interface Outcome {
  /** The clause's number, such as `3.2`. */
  readonly clause: string
  /** Starts with the clause's number. */
  readonly title: string
  /** `exempt`: the store declares in `lacks` that it cannot do this. The case was run anyway: see `isKept`. */
  readonly status: 'kept' | 'broken' | 'skipped' | 'exempt'
  /** Why the case was skipped. */
  readonly reason?: string
  /** The word of `lacks` that exempts the store from the case. */
  readonly lack?: Lack
  /** For an exempt case: whether the store kept the clause in this run. */
  readonly isKept?: boolean
  /** If the case failed: the clause, what was checked, what was expected and what was received. */
  readonly message?: string
  /** Duration in milliseconds. */
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
  const { filter = () => true, onOutcome } = options
  const { name, kind, cases } = suiteOf(harness)
  const chosen = cases.filter(filter)
  if (!chosen.some(({ skip }) => skip === undefined))
    throw new TypeError('No case was run. Either no case was selected, or every selected case is skipped.')
  const outcomes = new Map<SuiteCase, Outcome>()
  const run = async (one: SuiteCase) => {
    const outcome = await outcomeOf(one)
    outcomes.set(one, outcome)
    onOutcome?.(outcome)
  }
  const together = chosen.filter(({ isAlone }) => !isAlone)
  const lane = async () => {
    for (let next = together.shift(); next !== undefined; next = together.shift()) await run(next)
  }
  await Promise.all(Array.from({ length: WIDTH }, lane))
  for (const one of chosen) if (one.isAlone) await run(one)
  return { store: name, kind, outcomes: chosen.flatMap((one) => outcomes.get(one) ?? []) }
}

/** Runs one case. It never rejects. */
async function outcomeOf({ clause, title, skip, lack, run }: SuiteCase): Promise<Outcome> {
  if (skip !== undefined) return { clause, title, status: 'skipped', reason: skip, took: 0 }
  const began = performance.now()
  let message: string | undefined
  try {
    await endInTime(clause, run)
  } catch (error) {
    message = error instanceof Error ? error.message : String(error)
  }
  const took = Math.round(performance.now() - began)
  const seen = { clause, title, took, ...(message !== undefined && { message }) }
  const isKept = message === undefined
  return lack === undefined
    ? { ...seen, status: isKept ? 'kept' : 'broken' }
    : { ...seen, status: 'exempt', lack, isKept }
}

/** Rejects after a time limit, so that a hanging store does not block the run. */
async function endInTime(clause: string, run: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const message = `clause ${clause}: the case did not end within ${CASE_TIMEOUT_MS} ms. Check whether a call hangs.`
    timer = setTimeout(() => reject(new Error(message)), CASE_TIMEOUT_MS)
  })
  try {
    await Promise.race([run(), late])
  } finally {
    clearTimeout(timer)
  }
}
