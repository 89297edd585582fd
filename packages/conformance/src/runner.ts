import { isError } from '@sess/core/adapter'
import type { SuiteCase } from './suite.js'

/** Runs a case for a test runner. Rejects if the clause is broken or was not decided. Resolves with the reason if the case is skipped. */
export async function runForRunner({ skip, lack, run, clause }: SuiteCase): Promise<string | undefined> {
  if (skip !== undefined) return skip
  if (lack === undefined) {
    await run()
    return undefined
  }
  const came = await run().then(
    () => 'it passed',
    (error: unknown) => `it failed: ${isError(error) ? error.message : String(error)}`,
  )
  return `the store lacks '${lack}', which exempts it from ${clause}; the case was run anyway, and ${came}`
}
