import { setTimeout as sleep } from 'node:timers/promises'
import { type Harness, type Outcome, runSuite } from '@sess/conformance'
import { type Adapter, unavailable } from '@sess/core/adapter'
import { describe, expect, it } from 'vitest'
import { harnessOf, mapAdapter } from './fixtures/map-adapter.js'

const DEADLINE = 50

/** The outcomes of those clauses on a map whose reads are replaced. */
async function outcomesOf(
  read: () => never | Promise<never> | null,
  ...clauses: readonly string[]
): Promise<readonly Outcome[]> {
  const harness = harnessOf(mapAdapter(() => ({ deadline: DEADLINE, read })))
  return (await runSuite(harness, { filter: ({ clause }) => clauses.includes(clause) })).outcomes
}

function never(): Promise<never> {
  return new Promise(() => {})
}

describe('a store that answers too late, although nothing was made to fail', () => {
  it('is not broken but too slow, with the figure, the deadline and what to do', async () => {
    const outcomes = await outcomesOf(never, '1.1', '2.1', '4.2')
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['slow']))
    expect(outcomes[0]?.message).toMatch(
      /^TOO SLOW: clause 1\.1 was not decided: read failed with UNAVAILABLE after \d+ ms; the store's deadline is 50 ms\.\n.*\nGive the store a longer deadline in the harness, or run the suite on a machine that is less busy\./,
    )
  })

  it('is tried once more by itself, since the other cases may have kept it busy', async () => {
    let reads = 0
    const outcomes = await outcomesOf(() => (++reads <= 1 ? never() : null), '2.1')
    expect(outcomes.map(({ status }) => status)).toEqual(['kept'])
  })

  it('is not tried a third time', async () => {
    let reads = 0
    const outcomes = await outcomesOf(() => (++reads <= 2 ? never() : null), '2.1')
    expect(outcomes.map(({ status }) => status)).toEqual(['slow'])
    expect(reads).toBe(2)
  })
})

describe('a store that answers too late while the suite makes the backend fail', () => {
  const ADDRESS = '127.0.0.1:11211'

  it('is too slow, and not broken, if it reaches the backend past what fails', async () => {
    const adapter: Adapter<{ readonly scope: string; readonly address: string }> = ({ address, scope }, context) =>
      mapAdapter(() => (address === ADDRESS ? { deadline: DEADLINE, read: never } : {}))({ scope }, context)
    const harness: Harness<{ readonly scope: string; readonly address: string }> = {
      adapter,
      options: (place) => place,
      backend: { tcp: ADDRESS },
    }
    const title =
      '7.4 does not report its own update as not current when the reply was lost and another instance updated next'
    const { outcomes } = await runSuite(harness, { filter: (one) => one.title === title })
    expect(outcomes.map(({ status }) => status)).toEqual(['slow'])
  })
})

describe('a store that answers too late if it is asked too much at once', () => {
  it('is asked less at once when a case is tried again, also one that is alone anyway', async () => {
    // A busy machine keeps it too, where nothing is late.
    const deadline = 10 * DEADLINE
    const fewConnections = mapAdapter((_, put) => {
      let calls = 0
      return {
        deadline,
        create: async (key, entry) => {
          await sleep(++calls > 2 ? 2 * deadline : 0)
          calls--
          return put(key, entry)
        },
      }
    })
    const title = '6.3 prunes in steps that yield to the event loop'
    const { outcomes } = await runSuite(harnessOf(fewConnections), { filter: (one) => one.title === title })
    expect(outcomes.map(({ status }) => status)).toEqual(['kept'])
  })
})

describe('a store that fails at once, although nothing was made to fail', () => {
  it('is broken, and is not tried again', async () => {
    let reads = 0
    const fail = (): never => {
      reads++
      throw unavailable('map', new Error('no connection'))
    }
    const outcomes = await outcomesOf(fail, '2.1')
    expect(outcomes.map(({ status }) => status)).toEqual(['broken'])
    expect(reads).toBe(1)
  })
})

describe('a case that takes an exempt store too long', () => {
  it('is exempt all the same', async () => {
    const lacking = harnessOf(
      mapAdapter(() => ({ lacks: ['durability', 'atomic'], deadline: DEADLINE, create: never })),
    )
    const { outcomes } = await runSuite(lacking, { filter: ({ clause }) => clause === '1.3' })
    expect(new Set(outcomes.map(({ status, isKept }) => `${status}, kept: ${isKept}`))).toEqual(
      new Set(['exempt, kept: false']),
    )
  })
})
