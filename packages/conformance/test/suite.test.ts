import {
  clientClauses,
  type Harness,
  type Outcome,
  type RunOptions,
  runSuite,
  serverClauses,
  suiteOf,
} from '@sess/conformance'
import { describe, expect, it, onTestFinished } from 'vitest'
import adapter from './fixtures/adapter.js'
import broken from './fixtures/broken.js'
import good from './fixtures/good.js'
import lacking from './fixtures/lacking.js'
import { mutants } from './support/mutants.ts'
import { startReference } from './support/reference.ts'
import { correctParts, sealedAdapter } from './support/sealed-store.ts'

// prettier-ignore
const CONTRACT = [
  '1.1', '1.2', '1.3', '1.4', '1.5', '2.1', '2.2', '2.3', '2.4', '3.1', '3.2', '3.3', '3.4', '3.5', '3.6', '4.1', '4.2',
  '4.3', '4.4', '4.5', '5.1', '5.2', '5.3', '6.1', '6.2', '6.3', '6.4', '6.5', '6.6', '7.1', '7.2', '7.3', '7.4', '7.5', '7.6',
  '7.7', '7.8', '7.9', '8.1', '8.2', '8.3', '8.4', '8.5', '8.6', '8.7', '8.8', '9.1', '9.2', '10.1', '10.2', '10.3',
]

const sealed = { adapter: sealedAdapter(correctParts) }

function ofClauses(...clauses: readonly string[]): RunOptions {
  return { filter: ({ clause }) => clauses.includes(clause) }
}

async function outcomesOf(harness: Harness, ...clauses: readonly string[]): Promise<readonly Outcome[]> {
  return (await runSuite(harness, ofClauses(...clauses))).outcomes
}

/** The outcomes of those clauses on the mutant of that name. */
async function outcomesOfMutant(name: string, ...clauses: readonly string[]): Promise<readonly Outcome[]> {
  const running = await mutants.find((mutant) => mutant.name === name)?.start()
  if (running === undefined) throw new Error(`no mutant ${name}`)
  onTestFinished(() => running.close())
  return outcomesOf(running.harness, ...clauses)
}

describe('the suite', () => {
  it('has every clause of the contract, and no other', () => {
    const ids = [...serverClauses, ...clientClauses].map(({ id }) => id)
    expect([...new Set(ids)].toSorted()).toEqual(CONTRACT.toSorted())
  })

  it.each([
    ['server', good, serverClauses],
    ['client', sealed, clientClauses],
  ] as const)(
    'has at least one case for each clause of a %s store, with its number before the title',
    (kind, harness, clauses) => {
      const suite = suiteOf<object>(harness)
      expect(suite.kind).toBe(kind)
      expect([...new Set(suite.cases.map(({ clause }) => clause))]).toEqual(clauses.map(({ id }) => id))
      expect(suite.cases.filter(({ clause, title }) => !title.startsWith(`${clause} `))).toEqual([])
    },
  )

  it('gives each case a unique title', () => {
    const titles = suiteOf<object>(good).cases.map(({ title }) => title)
    expect(new Set(titles).size).toBe(titles.length)
  })

  it('reports in the order of the contract, and each case as it ends', async () => {
    const ended: Outcome[] = []
    const { store, kind, outcomes } = await runSuite<object>(good, {
      ...ofClauses('1.2', '2.1', '4.2', '10.1'),
      onOutcome: (outcome) => ended.push(outcome),
    })
    expect([store, kind]).toEqual(['map', 'server'])
    expect(outcomes.map(({ clause }) => clause)).toEqual(['1.2', '2.1', '4.2', '10.1', '10.1', '10.1', '10.1'])
    expect(new Set(ended)).toEqual(new Set(outcomes))
  })
})

describe('a broken clause', () => {
  it('is reported with its number and text, what was checked, expected and received, and the usual fault', async () => {
    const [outcome] = await outcomesOf(broken, '1.2')
    expect(outcome).toMatchObject({ clause: '1.2', status: 'broken' })
    expect(outcome?.message).toMatch(
      /^clause 1\.2 is broken: If the key is taken, .*\nchecked: {2}create of a taken key\nexpected: null\nreceived: '.{16}'\nhint: {5}Insert only if .*\ncontract: docs\/contract\.md#clause-1\.2$/,
    )
  })

  it('is reported when a call fails that should not', async () => {
    const [outcome] = await outcomesOfMutant('fails to destroy an entry twice', '4.2')
    expect(outcome?.message).toMatch(/^clause 4\.2 is broken: .*\nexpected: no error\nreceived: a SessError CORRUPT: /s)
  })

  it('is reported with the shortest sequence of calls that shows it', async () => {
    const [outcome] = await outcomesOfMutant('forgets the data of a third update', '9.1')
    const [, done = ''] = /^checked: {2}(.*?)(?:, then read\(\w\))? \(shrunk \d+ times, seed -?\d+\)$/m.exec(
      outcome?.message ?? '',
    ) ?? ['']
    expect(done.replaceAll(/\((\w).*?\)(?=,|$)/g, '($1)')).toMatch(
      /^create\((\w)\), update\(\1\), update\(\1\), update\(\1\)$/,
    )
  })

  it('is reported with the calls that no order explains', async () => {
    const [outcome] = await outcomesOfMutant('sometimes returns an older read', '9.2')
    expect(outcome?.message).toMatch(/No order of these calls explains.*client \d: read → .*<- not explained/s)
  })
})

describe('a case that does not apply', () => {
  it('is skipped if the harness lacks a field, and the reason names the field', async () => {
    const outcomes = await outcomesOf(good, '7.1', '7.3', '4.5', '6.1', '2.1')
    const skipped = outcomes.filter(({ status }) => status === 'skipped')
    expect(new Set(skipped.map(({ clause, reason }) => `${clause}: ${reason}`))).toEqual(
      new Set([
        "7.1: backend: 'in-process' cannot fail",
        "7.3: backend: 'in-process' has no plant",
        "4.5: backend: 'in-process' has no restart",
        "4.5: backend: 'in-process' has no evict",
        '6.1: the store has prune: its backend does not expire entries itself',
      ]),
    )
    expect(outcomes.filter(({ clause, status }) => status === 'kept' && ['6.1', '2.1'].includes(clause))).toHaveLength(
      2,
    )
  })

  it('is run anyway if the store lacks a word, and is reported with the word and the outcome', async () => {
    const outcomes = await outcomesOf(lacking, '1.3', '3.3', '3.5', '4.4', '1.2', '10.2')
    const exempt = outcomes.filter(({ status }) => status === 'exempt')
    const words = new Set(exempt.map(({ clause, lack }) => `${clause} ${lack}`))
    expect([...words]).toEqual(['1.3 atomic', '3.3 atomic', '3.5 atomic', '4.4 atomic'])
    expect(new Set(exempt.map(({ isKept }) => isKept))).toEqual(new Set([false, true]))
    expect(exempt[0]?.message).toMatch(/^clause 1\.3 is broken: /)
    expect(outcomes.filter(({ status }) => status === 'broken')).toEqual([])
  })

  it.each([
    ['declares that it lacks atomic, and does not', 'every case that the word exempts'],
    ['is empty after a restart, and does not declare it', "the store does not lack 'durability'"],
    ['declares a lack that the contract does not define', 'atomic, fresh, retention, durability'],
  ])('does not hide a store that %s', async (name, told) => {
    const outcomes = await outcomesOfMutant(name, '10.2')
    const messages = outcomes.filter(({ status }) => status === 'broken').map(({ message }) => message)
    expect(messages).toEqual([expect.stringContaining(told)])
  })
})

describe('a harness', () => {
  const options = ({ scope }: { readonly scope: string }) => ({ scope })

  it('must have a backend', async () => {
    const harness = { adapter, options }
    expect(() => suiteOf(harness)).toThrow(TypeError)
    await expect(runSuite(harness)).rejects.toThrow(
      "The harness has no backend. Give backend: { tcp: 'host:port' } or { stop, start }, so that the suite can make it unreachable, or backend: 'in-process' if it runs in the process.",
    )
  })

  it.each([
    ['after the last case', ['2.1', '4.2']],
    ['even if no case is run', []],
  ])('closes what it has opened, once, %s', async (_, clauses) => {
    const closes: string[] = []
    const closing = { ...good, close: () => void closes.push('closed') }
    await runSuite<object>(closing, ofClauses(...clauses)).catch(() => {})
    expect(closes).toEqual(['closed'])
  })

  it('can have stop and start instead of TCP', async () => {
    const { server, harness, close } = await startReference('pruned')
    onTestFinished(close)
    const backend = { stop: () => server.stop(), start: () => server.start() }
    const wired = {
      ...harness,
      options: ({ scope }: { readonly scope: string }) => ({ scope, address: `localhost:${server.port}` }),
    }
    const outcomes = await outcomesOf({ ...wired, backend }, '7.1', '7.2', '7.5', '7.7')
    expect(outcomes.filter(({ status }) => status === 'broken')).toEqual([])
    const skipped = outcomes.filter(({ status }) => status === 'skipped')
    expect(new Set(skipped.map(({ reason }) => reason))).toEqual(
      new Set(['the harness has no backend.tcp', 'the harness has no passedIn client']),
    )
    expect(outcomes.filter(({ clause, status }) => clause === '7.1' && status === 'kept')).toHaveLength(4)
  })

  it('is refused if no case is run', async () => {
    await expect(runSuite<object>(good, { filter: () => false })).rejects.toThrow('No case was run.')
    await expect(runSuite<object>(good, ofClauses('7.3'))).rejects.toThrow('No case was run.')
  })
})
