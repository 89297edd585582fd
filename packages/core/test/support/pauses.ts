import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import { afterAll, beforeAll } from 'vitest'

/** For this file's tests, core tries again at once: its random pauses only keep writers from colliding again. */
export function skipPauses(): void {
  const { setTimeout } = timers
  const replace = (sleep: unknown): void => {
    Object.assign(timers, { setTimeout: sleep })
    syncBuiltinESMExports()
  }
  beforeAll(() => replace(() => Promise.resolve()))
  afterAll(() => replace(setTimeout))
}
