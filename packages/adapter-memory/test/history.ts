import type { Stored } from '@sess/core/adapter'

/** One completed call: when it began and ended, and what it says about the entry's state. */
export interface Call {
  readonly title: string
  readonly began: number
  readonly ended: number
  /** The state after this call in `state`, or `undefined` if its result cannot come of that state. */
  readonly apply: (state: Stored | null) => Stored | null | undefined
}

/** Whether the calls on one key, begun in `state`, could have happened one after another (Wing and Gong). */
export function isLinearizable(calls: readonly Call[], state: Stored | null = null): boolean {
  if (calls.length === 0) return true
  const firstEnd = Math.min(...calls.map(({ ended }) => ended))
  return calls.some((call) => {
    if (call.began > firstEnd) return false
    const next = call.apply(state)
    return (
      next !== undefined &&
      isLinearizable(
        calls.filter((other) => other !== call),
        next,
      )
    )
  })
}
