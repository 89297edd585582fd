import { type Report, runSuite } from '@sess/conformance'
import { describe, expect, it } from 'vitest'
import { CAPACITIES, LAG, laggingLine, looseLine } from './support/lacking-line.ts'
import { type ReferenceOptions, startReference, type Variant } from './support/reference.ts'
import { correctParts, sealedAdapter } from './support/sealed-store.ts'

async function reportOf(variant: Variant, options?: ReferenceOptions): Promise<Report> {
  const { harness, close } = await startReference(variant, options)
  try {
    return await runSuite(harness)
  } finally {
    await close()
  }
}

const VARIANTS = [
  ['needs prune', 'pruned', 'durability'],
  ['expires entries itself', 'expiring', 'retention'],
] as const

function messagesOf({ outcomes }: Report): readonly (string | undefined)[] {
  return outcomes.filter(({ status }) => status === 'broken').map(({ message }) => message)
}

/** The reasons for skips, and how many cases each affected. */
function skipsOf({ outcomes }: Report): Readonly<Record<string, number>> {
  const reasons = outcomes.flatMap(({ reason }) => reason ?? [])
  return Object.fromEntries(
    [...new Set(reasons)].map((one) => [one, reasons.filter((reason) => reason === one).length]),
  )
}

describe('a correct store', () => {
  it('keeps every clause on a backend that needs prune', async () => {
    const report = await reportOf('pruned')
    expect(messagesOf(report)).toEqual([])
    expect(skipsOf(report)).toEqual({
      'the store has prune: its backend does not expire entries itself': 2,
      'the harness has no backend.evict': 2,
      'the harness has no backend.withClock': 1,
      'the harness has no passedIn client': 1,
    })
  })

  it('keeps every clause on a backend that expires entries itself', async () => {
    const report = await reportOf('expiring')
    expect(messagesOf(report)).toEqual([])
    expect(skipsOf(report)).toEqual({ 'the store has no prune: its backend expires entries itself': 11 })
  })

  it('keeps every clause as a client store', async () => {
    const report = await runSuite({ adapter: sealedAdapter(correctParts) })
    expect(messagesOf(report)).toEqual([])
    expect(skipsOf(report)).toEqual({})
  })
})

describe('a correct store that declares that it', () => {
  it.each(VARIANTS)('lacks atomic is not broken, on a backend that %s', async (_, variant, lack) => {
    expect(messagesOf(await reportOf(variant, { lacks: [lack, 'atomic'], lineTo: looseLine }))).toEqual([])
  })

  it.each(VARIANTS)('lacks fresh is not broken, on a backend that %s', async (_, variant, lack) => {
    const options = { lacks: [lack, 'fresh'], server: { lag: LAG }, lineTo: laggingLine } as const
    expect(messagesOf(await reportOf(variant, options))).toEqual([])
  })

  it.each(CAPACITIES)('lacks retention is not broken, with room for $entries entries in a $of', async (capacity) => {
    const options = { lacks: ['durability', 'retention'], server: { capacity } } as const
    expect(messagesOf(await reportOf('pruned', options))).toEqual([])
  })
})
