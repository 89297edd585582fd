import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import { afterAll, beforeAll } from 'vitest'

/**
 * In a describe or a file, core tries again at once: its random pauses only keep writers from colliding again.
 * Returns the pauses that were skipped, in milliseconds.
 */
export function skipPauses(): readonly number[] {
  const skipped: number[] = []
  const { setTimeout } = timers
  const replace = (sleep: unknown): void => {
    Object.assign(timers, { setTimeout: sleep })
    syncBuiltinESMExports()
  }
  const skip = async (pause: number): Promise<void> => {
    skipped.push(pause)
  }
  beforeAll(() => replace(skip))
  afterAll(() => replace(setTimeout))
  return skipped
}
