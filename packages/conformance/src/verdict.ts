import type { Breach } from './breach.js'

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

/** A clause that was not decided, because the store was too slow although the suite had made nothing fail. */
export class TooSlowError extends Error {
  /** Always `TooSlowError`. Test runners show it. */
  override readonly name = 'TooSlowError'
  /** The clause's number, such as `6.3`. */
  readonly clause: string

  /** `late`: what was late, with the figure and the limit. */
  constructor(clause: string, late: string) {
    super(
      `TOO SLOW: clause ${clause} was not decided: ${late}.\n` +
        'The suite had made nothing fail, and ran the case by itself. So this says nothing about whether the store is correct.\n' +
        'Give the store a longer deadline in the harness, or run the suite on a machine that is less busy. If neither helps, find out what the calls wait for, such as a pool with too few connections, or a lock.',
    )
    this.clause = clause
  }
}
