import type { SuiteCase } from './suite.js'

type Skipped = Pick<SuiteCase, 'clause' | 'skip'>

/** The clauses of which at least one case cannot be run, and why, as lines of text. Empty if there are none. */
export function notTried(store: string, cases: readonly Skipped[]): string {
  const clauses = new Map<string, Set<string>>()
  for (const { clause, skip } of cases)
    if (skip !== undefined) clauses.set(skip, (clauses.get(skip) ?? new Set()).add(clause))
  if (clauses.size === 0) return ''
  const lines = [...clauses].map(([why, ids]) => `  ${[...ids].join(', ')}: ${why}\n`)
  return `These clauses were not tried in full on the ${store} store:\n${lines.join('')}`
}
