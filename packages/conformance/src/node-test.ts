/**
 * The store contract as tests of `node:test`.
 *
 * @module @sess/conformance/node-test
 */
import { describe, test } from 'node:test'
import { CASE_TIMEOUT_MS, runForRunner } from './runner.js'
import type { Harness } from './harness.js'
import { type SuiteCase, suiteOf } from './suite.js'

function register(one: SuiteCase): void {
  void test(one.title, { timeout: CASE_TIMEOUT_MS }, async (context) => {
    // The store declares that it lacks this, so the case has run, but is neither passed nor failed. node:test shows the
    // reason, which includes the outcome, only of a skipped test.
    const reason = await runForRunner(one)
    if (reason !== undefined) context.skip(reason)
  })
}

/** Registers a test for each case, in a `describe` with the store's name. */
export function testStore<O extends object>(harness: Harness<O>): void {
  const { name, cases } = suiteOf(harness)
  void describe(`the ${name} store`, { concurrency: 1 }, () => {
    void describe('keeps the contract', { concurrency: 12 }, () => {
      for (const one of cases) if (!one.isAlone) register(one)
    })
    void describe('keeps the contract, one case at a time', { concurrency: 1 }, () => {
      for (const one of cases) if (one.isAlone) register(one)
    })
  })
}

export type { Backend, Harness, Place } from './harness.js'
