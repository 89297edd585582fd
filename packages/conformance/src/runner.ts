import type { SuiteCase } from './suite.js'

/** Runs a case for a test runner: throws where it broke, and returns why it is to be reported as skipped, if it is. */
export async function runForRunner({ skip, lack, run, clause }: SuiteCase): Promise<string | undefined> {
  if (skip !== undefined) return skip
  if (lack === undefined) {
    await run()
    return undefined
  }
  const came = await run().then(
    () => 'it kept it this time',
    (error: unknown) => `it broke it: ${error instanceof Error ? error.message : String(error)}`,
  )
  return `the store lacks '${lack}', which exempts it from ${clause}; ${came}`
}

/** For the slowest of cases on the slowest of machines, in milliseconds. */
export const CASE_TIMEOUT_MS = 60_000
