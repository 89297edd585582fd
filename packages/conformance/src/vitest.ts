/**
 * The store contract as tests of Vitest.
 *
 * @module @sess/conformance/vitest
 */
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Harness } from './harness.js'
import { notTried } from './not-tried.js'
import { runForRunner } from './runner.js'
import { inTurns, suiteOf } from './suite.js'

/** Cases end themselves. */
const NO_TIMEOUT = 0

/** Registers a test for each case, in a `describe` with the store's name. */
export function testStore<O extends object>(harness: Harness<O>): void {
  const { name, cases, open, close } = suiteOf(harness)
  describe(`the ${name} store keeps the contract`, () => {
    beforeAll(open)
    afterAll(async () => {
      process.stdout.write(notTried(name, cases))
      await close()
    })
    for (const one of inTurns(cases)) {
      test(one.title, { timeout: NO_TIMEOUT, concurrent: one.turn === 'together' }, async ({ skip }) => {
        const reason = await runForRunner(one)
        if (reason !== undefined) skip(reason)
      })
    }
  })
}

export type { Backend, Harness, Place } from './harness.js'
