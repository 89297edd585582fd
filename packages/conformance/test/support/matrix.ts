import { setImmediate as turn } from 'node:timers/promises'
import { inTurns, type Suite, type SuiteCase, suiteOf } from '@sess/conformance'
import type { Mutant, Running } from './mutant.ts'

/** The outcome of a case on a mutant. */
export interface Result {
  readonly mutant: Mutant
  readonly clause: string
  readonly title: string
  /** `undefined`: the mutant kept the clause. */
  readonly breach: string | undefined
}

interface Job {
  readonly mutant: Mutant
  readonly one: SuiteCase
}

/** A mutant that runs, and the suite on it. */
interface Subject {
  readonly mutant: Mutant
  readonly running: Running
  readonly suite: Suite
}

/** How many cases run at the same time: those that may wait for a deadline, and the others. */
const FAULTY_WIDTH = 250
const WIDTH = 24
/** How many mutants run the cases at the same time that have their backend to themselves. */
const APART_WIDTH = 8
/** Milliseconds that a turn of the event loop takes at most when it is not overloaded. */
const CALM = 5

/** The clauses that a mutant is meant to break. */
export const clausesOf = ({ clause, also }: Mutant): readonly string[] => [clause, ...also].toSorted()

/** Runs the suite on every mutant: the cases of the clauses that it breaks or, with `isWhole`, every case. */
export async function runMatrix(mutants: readonly Mutant[], isWhole: boolean): Promise<readonly Result[]> {
  const subjects = await Promise.all(mutants.map(start))
  const jobs = subjects.flatMap(jobsOf).filter(({ mutant, one }) => isWhole || clausesOf(mutant).includes(one.clause))
  const together = jobs.filter(({ one }) => one.turn === 'together')
  const [waiting, faulty] = [isWaiting, isFaulty].map((isIt) => together.filter(({ one }) => isIt(one)))
  const others = together.filter(({ one }) => !isWaiting(one) && !isFaulty(one))
  const results = [
    ...(await Promise.all([runTogether(waiting), runTogether(faulty, FAULTY_WIDTH), runTogether(others, WIDTH)])),
    ...(await runApart(jobs.filter(({ one }) => one.turn === 'alone'))),
    await runInTurn(jobs.filter(({ one }) => one.turn === 'first' || one.turn === 'last')),
  ]
  for (const { suite, running } of subjects) {
    await suite.close()
    await running.close()
  }
  return results.flat()
}

async function start(mutant: Mutant): Promise<Subject> {
  const running = await mutant.start()
  const suite = suiteOf(running.harness)
  suite.open()
  return { mutant, running, suite }
}

/** The cases that are neither skipped nor exempt. */
function jobsOf({ mutant, suite }: Subject): readonly Job[] {
  const cases = suite.cases.filter(({ skip, lack }) => skip === undefined && lack === undefined)
  return inTurns(cases).map((one) => ({ mutant, one }))
}

/** Whether the case waits for the wall clock. */
function isWaiting({ clause }: SuiteCase): boolean {
  return ['6.1', '6.2', '6.4', '6.6', '7.9'].includes(clause)
}

/** Whether the case may wait for a deadline. */
function isFaulty({ clause }: SuiteCase): boolean {
  return ['7.1', '7.2', '7.4', '7.5'].includes(clause)
}

/** Starts each case when the event loop is calm. If it were busy, deadlines would pass by accident. */
async function runTogether(jobs: readonly Job[] = [], width = Infinity): Promise<readonly Result[]> {
  const results: Promise<Result>[] = []
  const running = new Set<Promise<Result>>()
  for (const job of jobs) {
    await calm()
    while (running.size >= width) await Promise.race(running)
    const result = run(job)
    results.push(result)
    running.add(result)
    void result.then(() => running.delete(result))
  }
  return Promise.all(results)
}

async function runInTurn(jobs: readonly Job[]): Promise<readonly Result[]> {
  const results: Result[] = []
  for (const job of jobs) results.push(await run(job))
  return results
}

/** Runs the cases of each mutant in turn. What happens to its backend disturbs no other mutant. */
async function runApart(jobs: readonly Job[]): Promise<readonly Result[]> {
  const results: Result[] = []
  const groups = [...new Set(jobs.map(({ mutant }) => mutant))]
    .map((mutant) => jobs.filter((job) => job.mutant === mutant))
    .values()
  const lane = async (): Promise<void> => {
    for (const group of groups) {
      await calm()
      results.push(...(await runInTurn(group)))
    }
  }
  await Promise.all(Array.from({ length: APART_WIDTH }, lane))
  return results
}

async function calm(): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const began = performance.now()
    await turn()
    if (performance.now() - began < CALM) return
  }
}

async function run({ mutant, one }: Job): Promise<Result> {
  const { clause, title } = one
  const breach = mutant.isApart ? await breachApart(mutant, title) : await breachOf(one)
  return { mutant, clause, title, breach }
}

async function breachOf(one: SuiteCase | undefined): Promise<string | undefined> {
  try {
    await one?.run()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Runs a case on its own backend. */
async function breachApart(mutant: Mutant, title: string): Promise<string | undefined> {
  const own = await mutant.start()
  const breach = await breachOf(suiteOf(own.harness).cases.find((one) => one.title === title))
  await own.close()
  return breach
}
