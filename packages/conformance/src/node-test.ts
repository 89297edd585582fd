/**
 * The store contract as tests of `node:test`.
 *
 * @module @sess/conformance/node-test
 */
import { after, before, describe, test } from 'node:test'
import { WIDTH } from './gate.js'
import type { Harness } from './harness.js'
import { notTried } from './not-tried.js'
import { runForRunner } from './runner.js'
import { type SuiteCase, suiteOf, type Turn } from './suite.js'

function register(one: SuiteCase): void {
  void test(one.title, async (context) => {
    // The case cannot be tried, or it has run and the store declares that it lacks this. Either way it has neither passed
    // nor failed, and node:test shows a reason only for a test that is skipped.
    const reason = await runForRunner(one)
    if (reason !== undefined) context.skip(reason)
  })
}

/** Registers a test for each case, in a `describe` with the store's name. */
export function testStore<O extends object>(harness: Harness<O>): void {
  const { name, cases, open, close } = suiteOf(harness)
  const group = (title: string, concurrency: number, turns: readonly Turn[]) =>
    void describe(title, { concurrency }, () => {
      for (const turn of turns) for (const one of cases) if (one.turn === turn) register(one)
    })
  void describe(`the ${name} store`, { concurrency: 1 }, () => {
    before(open)
    after(async () => {
      process.stdout.write(notTried(name, cases))
      await close()
    })
    group('leaves nothing behind', 1, ['first'])
    group('keeps the contract', WIDTH, ['together'])
    group('keeps the contract, one case at a time', 1, ['alone', 'last'])
  })
}

export type { Backend, Harness, Place } from './harness.js'
