import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import { afterAll, beforeAll } from 'vitest'

/**
 * Makes core retry without pausing in this describe or file: its random pauses only keep writers from colliding
 * again. Returns the lengths of the pauses, in milliseconds. `instead` is called where core would pause.
 */
export function skipPauses(instead?: () => Promise<void>): readonly number[] {
  const skipped: number[] = []
  const { setTimeout } = timers
  const replace = (sleep: unknown): void => {
    Object.assign(timers, { setTimeout: sleep })
    syncBuiltinESMExports()
  }
  const skip = async (pause: number): Promise<void> => {
    skipped.push(pause)
    await instead?.()
  }
  beforeAll(() => replace(skip))
  afterAll(() => replace(setTimeout))
  return skipped
}
