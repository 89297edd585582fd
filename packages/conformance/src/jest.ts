/**
 * The store contract as tests of Jest.
 *
 * @module @sess/conformance/jest
 */
import { CASE_TIMEOUT_MS, runForRunner } from './runner.js'
import type { Harness } from './harness.js'
import { suiteOf } from './suite.js'

/** What `@jest/globals` exports, or the equivalent of a compatible runner. */
export interface JestGlobals {
  /** Groups tests under a name. */
  readonly describe: (name: string, body: () => void) => void
  /** Registers a test. `test.skip` registers one that does not run. */
  readonly test: Test & { readonly skip: Test }
}

type Test = (name: string, body: () => Promise<void>, timeout?: number) => void

/** Registers a test for each case in a `describe` with the store's name. The tests run one after the other. */
export function testStore<O extends object>(harness: Harness<O>, { describe, test }: JestGlobals): void {
  const { name, cases } = suiteOf(harness)
  describe(`the ${name} store keeps the contract`, () => {
    for (const one of cases) {
      const { title, skip, lack } = one
      // Jest cannot skip a running test, so the title states that the store is exempt and this test cannot fail.
      const note = skip === undefined ? lack && `exempt: the store lacks '${lack}'` : `skipped: ${skip}`
      const register = skip === undefined ? test : test.skip
      register(
        note === undefined ? title : `${title} (${note})`,
        async () => void (await runForRunner(one)),
        CASE_TIMEOUT_MS,
      )
    }
  })
}

export type { Backend, Harness, Place } from './harness.js'
