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
  '4.3', '4.4', '4.5', '5.1', '5.2', '5.3', '6.1', '6.2', '6.3', '6.4', '6.5', '7.1', '7.2', '7.3', '7.4', '7.5', '7.6',
  '7.7', '8.1', '8.2', '8.3', '8.4', '8.5', '8.6', '8.7', '8.8', '9.1', '9.2', '10.1', '10.2',
]

const sealed = { adapter: sealedAdapter(correctParts) }

function only(...clauses: readonly string[]): RunOptions {
  return { filter: ({ clause }) => clauses.includes(clause) }
}

async function outcomesOf(harness: Harness, ...clauses: readonly string[]): Promise<readonly Outcome[]> {
  return (await runSuite(harness, only(...clauses))).outcomes
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
    'has a case at least for each clause of a %s store, with its number before the title',
    (kind, harness, clauses) => {
      const suite = suiteOf<object>(harness)
      expect(suite.kind).toBe(kind)
      expect([...new Set(suite.cases.map(({ clause }) => clause))]).toEqual(clauses.map(({ id }) => id))
      expect(suite.cases.filter(({ clause, title }) => !title.startsWith(`${clause} `))).toEqual([])
    },
  )

  it('gives each case a title of its own', () => {
    const titles = suiteOf<object>(good).cases.map(({ title }) => title)
    expect(new Set(titles).size).toBe(titles.length)
  })

  it('reports in the order of the contract, and each case as it ends', async () => {
    const ended: Outcome[] = []
    const { store, kind, outcomes } = await runSuite<object>(good, {
      ...only('1.2', '2.1', '4.2', '10.1'),
      onOutcome: (outcome) => ended.push(outcome),
    })
    expect([store, kind]).toEqual(['map', 'server'])
    expect(outcomes.map(({ clause }) => clause)).toEqual(['1.2', '2.1', '4.2', '10.1', '10.1'])
    expect(new Set(ended)).toEqual(new Set(outcomes))
  })
})

describe('a broken clause', () => {
  it('is told with its number and demand, what was done, what was expected and what came', async () => {
    const [outcome] = await outcomesOf(broken, '1.2')
    expect(outcome).toMatchObject({ clause: '1.2', status: 'broken' })
    expect(outcome?.message).toMatch(
      /^clause 1\.2 is broken: A taken key is refused.*\ndone: {5}create of a taken key\nexpected: null\ncame: {5}'.{16}'$/,
    )
  })

  it('is told when a call fails that should not', async () => {
    const [outcome] = await outcomesOfMutant('fails to destroy what it has destroyed', '4.2')
    expect(outcome?.message).toMatch(/^clause 4\.2 is broken: .*\nexpected: no error\ncame: {5}a SessError CORRUPT: /s)
  })

  it('is told with the shortest sequence of commands that shows it', async () => {
    const [outcome] = await outcomesOfMutant('forgets the data of a third update', '9.1')
    const [, done = ''] = /^done: {5}(.*?)(?:, then read\(\w\))? \(shrunk \d+ times from what seed -?\d+ made\)$/m.exec(
      outcome?.message ?? '',
    ) ?? ['']
    expect(done.replaceAll(/\((\w).*?\)(?=,|$)/g, '($1)')).toMatch(
      /^create\((\w)\), update\(\1\), update\(\1\), update\(\1\)$/,
    )
  })

  it('is told with the calls that no order explains', async () => {
    const [outcome] = await outcomesOfMutant('gives now and then what was read before', '9.2')
    expect(outcome?.message).toMatch(/No order of these calls explains.*client \d: read → .*<- not explained/s)
  })
})

describe('a case that does not apply', () => {
  it('is skipped for what the harness does not give, and says so', async () => {
    const outcomes = await outcomesOf(good, '7.1', '7.3', '4.5', '6.1', '2.1')
    const skipped = outcomes.filter(({ status }) => status === 'skipped')
    expect(new Set(skipped.map(({ clause, reason }) => `${clause}: ${reason}`))).toEqual(
      new Set([
        "7.1: backend: 'in-process' cannot fail",
        "7.3: backend: 'in-process' has no plant",
        "4.5: backend: 'in-process' has no restart",
        "4.5: backend: 'in-process' has no evict",
        '6.1: the store has prune: its backend expires nothing itself',
      ]),
    )
    expect(outcomes.filter(({ clause, status }) => status === 'kept' && ['6.1', '2.1'].includes(clause))).toHaveLength(
      2,
    )
  })

  it('is run all the same where the store lacks what it asks for, and tells the word and what came', async () => {
    const outcomes = await outcomesOf(lacking, '1.3', '3.3', '3.5', '4.4', '1.2', '10.2')
    const exempt = outcomes.filter(({ status }) => status === 'exempt')
    expect(exempt.map(({ clause, lack, isKept }) => [clause, lack, isKept])).toEqual([
      ['1.3', 'atomic', false],
      ['3.3', 'atomic', false],
      ['3.5', 'atomic', false],
      ['4.4', 'atomic', false],
      ['4.4', 'atomic', true],
    ])
    expect(exempt[0]?.message).toMatch(/^clause 1\.3 is broken: /)
    expect(outcomes.filter(({ status }) => status === 'broken')).toEqual([])
  })

  it.each([
    ['says that it lacks what it does not: atomic', 'every case that the word exempts'],
    ['is empty after a restart, and does not say so', "the store does not lack 'durability'"],
    ['says in a word of its own what it lacks', 'atomic, fresh, retention, durability'],
  ])('is not left out for a store that %s', async (name, told) => {
    const outcomes = await outcomesOfMutant(name, '10.2')
    const messages = outcomes.filter(({ status }) => status === 'broken').map(({ message }) => message)
    expect(messages).toEqual([expect.stringContaining(told)])
  })
})

describe('a harness', () => {
  const options = ({ scope }: { readonly scope: string }) => ({ scope })

  it('must say how the backend fails, or that it cannot', async () => {
    const harness = { adapter, options }
    expect(() => suiteOf(harness)).toThrow(TypeError)
    await expect(runSuite(harness)).rejects.toThrow(
      "Say how the backend is made unreachable, as backend: { tcp: 'host:port' } or { stop, start }; or backend: 'in-process', if it cannot be.",
    )
  })

  it('may give stop and start in place of TCP', async () => {
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
      new Set(['the harness gives no backend.tcp', 'the harness says of no passedIn client']),
    )
    expect(outcomes.filter(({ clause, status }) => clause === '7.1' && status === 'kept')).toHaveLength(2)
  })

  it('is at fault when no case is run', async () => {
    await expect(runSuite<object>(good, { filter: () => false })).rejects.toThrow('No case was run.')
    await expect(runSuite<object>(good, only('7.3'))).rejects.toThrow('No case was run.')
  })
})
