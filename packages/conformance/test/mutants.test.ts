import { clientClauses, serverClauses } from '@sess/conformance'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Result, runMatrix } from './support/matrix.ts'
import { mutants } from './support/mutants.ts'
import { quietly } from './support/quiet.ts'

let results: readonly Result[]

// It takes minutes on a busy machine.
beforeAll(async () => {
  results = await quietly(() => runMatrix(mutants))
}, 900_000)

describe.each(mutants)('a $kind store that $name', (mutant) => {
  const expected = [mutant.clause, ...mutant.also].toSorted()

  it(`breaks ${expected.join(', ')}, and nothing else`, () => {
    const broken = results.filter((result) => result.mutant === mutant && result.breach !== undefined)
    const unexpected = broken.filter(({ clause }) => !expected.includes(clause))
    expect(unexpected.map(({ title, breach }) => `${title}\n${breach ?? ''}`)).toEqual([])
    expect([...new Set(broken.map(({ clause }) => clause))].toSorted()).toEqual(expected)
  })
})

describe('the mutants', () => {
  it.each([
    ['server', serverClauses],
    ['client', clientClauses],
  ] as const)('include at least one for every clause of a %s store', (kind, clauses) => {
    const meant = new Set(mutants.filter((mutant) => mutant.kind === kind).map(({ clause }) => clause))
    expect(clauses.map(({ id }) => id).filter((id) => !meant.has(id))).toEqual([])
  })

  it.each(['server', 'client'] as const)('break every case of a %s store, each by one meant for its clause', (kind) => {
    const ran = results.filter(({ mutant }) => mutant.kind === kind)
    const own = ran.filter(({ mutant, clause, breach }) => breach !== undefined && mutant.clause === clause)
    const broken = new Set(own.map(({ title }) => title))
    expect([...new Set(ran.map(({ title }) => title))].filter((title) => !broken.has(title))).toEqual([])
  })
})
