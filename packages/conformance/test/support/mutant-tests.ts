import { clientClauses, serverClauses } from '@sess/conformance'
import { beforeAll, describe, expect, it } from 'vitest'
import { clausesOf, type Result, runMatrix } from './matrix.ts'
import type { Mutant } from './mutant.ts'
import { mutants } from './mutants.ts'
import { quietly } from './quiet.ts'
import { isNightly } from '../../../../scripts/nightly.js'

/**
 * Tests what the cases of the suite say of the mutants that are meant for these clauses. Each share of the clauses has a
 * file, so that they run at the same time.
 */
export function testMutants(kind: Mutant['kind'], isIncluded: (clause: string) => boolean): void {
  const clauses = (kind === 'server' ? serverClauses : clientClauses).map(({ id }) => id).filter(isIncluded)
  const chosen = mutants.filter((mutant) => mutant.kind === kind && clauses.includes(mutant.clause))
  let results: readonly Result[]

  // It takes minutes on a busy machine.
  beforeAll(async () => {
    // That a mutant breaks nothing else takes 40 times as many cases, and minutes of a processor.
    results = await quietly(() => runMatrix(chosen, isNightly))
  }, 900_000)

  describe.each(chosen)('a $kind store that $name', (mutant) => {
    const expected = clausesOf(mutant)

    it(`breaks ${expected.join(', ')}${isNightly ? ', and nothing else' : ''}`, () => {
      const broken = results.filter((result) => result.mutant === mutant && result.breach !== undefined)
      const unexpected = broken.filter(({ clause }) => !expected.includes(clause))
      expect(unexpected.map(({ title, breach }) => `${title}\n${breach ?? ''}`)).toEqual([])
      expect([...new Set(broken.map(({ clause }) => clause))].toSorted()).toEqual(expected)
    })
  })

  it.each(clauses)('clause %s has a mutant for each of its cases', (clause) => {
    const ran = results.filter((result) => result.clause === clause)
    const broken = ran.filter(({ mutant, breach }) => breach !== undefined && mutant.clause === clause)
    const caught = new Set(broken.map(({ title }) => title))
    expect(caught.size).toBeGreaterThan(0)
    expect([...new Set(ran.map(({ title }) => title))].filter((title) => !caught.has(title))).toEqual([])
  })
}

/** `7` of `'7.4'`. */
export function chapterOf(clause: string): number {
  return Number.parseInt(clause, 10)
}
