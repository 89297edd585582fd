import { beforeAll, describe, expect, it, vi } from 'vitest'
import { faults } from './support/fault.ts'
import { goThrough, LIMIT, type Outcome } from './support/outage.ts'
import { PROMISES } from './support/visitor.ts'

vi.setConfig({ hookTimeout: 120_000 })

describe.each(faults.map((fault) => [fault.title, fault] as const))('when %s', (_, fault) => {
  let outcome: Outcome

  beforeAll(async () => {
    outcome = await goThrough(fault)
  })

  it('everybody is told, and not kept waiting until it is over', () => {
    expect(outcome.hasShown).toBe(true)
  })

  it.each(Object.entries(PROMISES))('%s: %s', (name) => {
    const stories = outcome.complaints.filter(({ promise }) => promise === name).map(({ story }) => story)
    expect(stories).toEqual([])
  })

  it('everybody is served again afterwards, by the process that went through it', () => {
    expect(outcome.stranded).toEqual([])
  })

  it('nothing is printed: no warning, no unhandled rejection', () => {
    expect(outcome.stderr).toBe('')
  })

  it('no listener, timer or connection is left over', () => {
    expect(outcome.leaks).toEqual({})
  })

  it('a process that is asked to end in the middle of it ends by itself, in time', () => {
    expect(outcome.exitAmid.code).toBe(0)
    expect(outcome.exitAmid.ms).toBeLessThan(LIMIT)
  })

  it('a process that went through it ends by itself, in time', () => {
    expect(outcome.exitAfter.code).toBe(0)
    expect(outcome.exitAfter.ms).toBeLessThan(LIMIT)
  })
})
