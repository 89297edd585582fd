import { Breach, describeError } from './breach.js'
import type { Case, Clause } from './case.js'
import { Gate } from './gate.js'
import { runAttempt } from './stage/case-context.js'
import { Late, type Pace } from './stage/pace.js'
import { Strays } from './stage/strays.js'
import { ClauseError, TooSlowError } from './verdict.js'

/** What a case works with. */
export interface Stage {
  /** Only of a server store. */
  readonly pace?: Pace
  close(): Promise<void>
}

/** A case, and what its run needs. */
export interface Plan<S extends Stage> {
  readonly clause: Clause<S>
  readonly one: Case<S>
  readonly isAlone: boolean
  readonly stageOf: () => S
}

/** Runs the cases of one suite: not too many at a time, each with its own stage, and each to a verdict. */
export class CaseRunner {
  /** In milliseconds. */
  readonly #limit: number
  readonly #gate = new Gate()
  readonly #strays = new Strays()
  #isReported = false

  constructor(limit: number) {
    this.#limit = limit
  }

  open(): void {
    this.#strays.watch()
  }

  /** Returns the errors that nobody handled, if no case has reported them. */
  close(): readonly string[] {
    this.#strays.unwatch()
    return this.#isReported ? [] : this.#strays.all
  }

  /** Rejects with a `ClauseError` or a `TooSlowError`. */
  async run<S extends Stage>(plan: Plan<S>, onStart?: () => void): Promise<void> {
    const attempt = (isAlone: boolean, isCareful: boolean) =>
      this.#gate.run(isAlone, () => {
        onStart?.()
        return this.#attempt(plan, isCareful)
      })
    let failure = await attempt(plan.isAlone, false)
    // The other cases may have kept the store busy, or this one asked too much at once. To run the case again hides no
    // fault: a late answer shows none, and a case that shows one is never run again.
    if (failure instanceof TooSlowError) {
      this.#gate.narrow()
      failure = await attempt(true, true)
    }
    if (failure !== undefined) throw failure
  }

  async #attempt<S extends Stage>({ clause, one, stageOf }: Plan<S>, isCareful: boolean): Promise<Error | undefined> {
    const attempt = { title: `${clause.id} ${one.title}`, strays: this.#strays, isCareful }
    if (one.turn === 'last') this.#isReported = true
    const stage = stageOf()
    try {
      await this.#inTime(() => runAttempt(attempt, () => one.run(stage)))
      return undefined
    } catch (error) {
      const late = error instanceof Late ? error.message : stage.pace?.lateness(error)
      if (late !== undefined) return new TooSlowError(clause.id, late)
      const breach = error instanceof Breach ? error : new Breach(one.title, 'no error', describeError(error))
      return new ClauseError(clause.id, clause.says, breach, one.hint)
    } finally {
      await stage.close()
    }
  }

  /** Rejects with `Late` if the case does not end. A call that hangs ends before, with a `Breach`. */
  async #inTime(run: () => Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const message = `the case did not end within ${this.#limit} ms, unless a function of the harness hangs`
      timer = setTimeout(() => reject(new Late(message)), this.#limit)
    })
    try {
      await Promise.race([run(), late])
    } finally {
      clearTimeout(timer)
    }
  }
}
