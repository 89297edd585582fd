/**
 * The store contract as tests of Vitest.
 *
 * @module @sess/conformance/vitest
 */
import { describe, test } from 'vitest'
import { CASE_TIMEOUT_MS, runForRunner } from './runner.js'
import type { Harness } from './harness.js'
import { suiteOf } from './suite.js'

/** Registers a test for each case, in a `describe` with the store's name. */
export function testStore<O extends object>(harness: Harness<O>): void {
  const { name, cases } = suiteOf(harness)
  describe(`the ${name} store keeps the contract`, () => {
    for (const one of cases) {
      test(one.title, { timeout: CASE_TIMEOUT_MS, concurrent: !one.isAlone }, async ({ skip }) => {
        const reason = await runForRunner(one)
        if (reason !== undefined) skip(reason)
      })
    }
  })
}

export type { Backend, Harness, Place } from './harness.js'
