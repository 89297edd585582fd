import { type Report, runSuite } from '@sess/conformance'
import { describe, expect, it } from 'vitest'
import { startReference, type Variant } from './support/reference.ts'
import { correctParts, sealedAdapter } from './support/sealed-store.ts'

async function reportOf(variant: Variant): Promise<Report> {
  const { harness, close } = await startReference(variant)
  try {
    return await runSuite(harness)
  } finally {
    await close()
  }
}

function messagesOf({ outcomes }: Report): readonly (string | undefined)[] {
  return outcomes.filter(({ status }) => status === 'broken').map(({ message }) => message)
}

/** The reasons for skips, and how many cases each affected. */
function skipsOf({ outcomes }: Report): Readonly<Record<string, number>> {
  const reasons = outcomes.filter(({ status }) => status !== 'kept').map(({ reason = '' }) => reason)
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
      'the harness has no passedIn client': 1,
    })
  })

  it('keeps every clause on a backend that expires entries itself', async () => {
    const report = await reportOf('expiring')
    expect(messagesOf(report)).toEqual([])
    expect(skipsOf(report)).toEqual({ 'the store has no prune: its backend expires entries itself': 6 })
  })

  it('keeps every clause as a client store', async () => {
    const report = await runSuite({ adapter: sealedAdapter(correctParts) })
    expect(messagesOf(report)).toEqual([])
    expect(skipsOf(report)).toEqual({})
  })
})
