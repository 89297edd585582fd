import { randomText } from '../crypto/random.js'
import { processWide } from '../process-wide.js'

/** A point in time. Within a process, moments have an order that no clock disturbs. */
export interface Moment {
  /** The application's time, in epoch milliseconds. */
  readonly at: number
  /** The process. */
  readonly by: string
  /** Its number among the moments of the process. */
  readonly tick: number
}

interface Moments {
  /** Identifies the process. Made when it is first needed: importing core draws no random bytes. */
  id: string | undefined
  /** The number of the last moment. */
  tick: number
}

/** Shared by all copies of core in the process. */
const moments = processWide('@sess/core moments/1', (): Moments => ({ id: undefined, tick: 0 }))

/** The present moment, later than all others of the process. `at`: the application's time. */
export function nextMoment(at: number): Moment {
  return { at, by: (moments.id ??= randomText(6)), tick: ++moments.tick }
}

/**
 * Whether one moment was before another one. Of two processes it is as exact as their clocks agree. Moments of two processes in
 * one millisecond count as before each other.
 */
export function isBefore(one: Moment, other: Moment): boolean {
  return one.by === other.by ? one.tick < other.tick : one.at <= other.at
}
