import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Stage } from '../support/interleaving.ts'
import { PROMISES } from '../support/oracle.ts'
import { skipPauses } from '../support/pauses.ts'
import type { Program, Step } from '../support/program.ts'
import { type Failure, Race, type RaceOptions } from '../support/race.ts'
import { onWorkers } from '../support/workers.ts'

const PROGRAMS: readonly Program[] = [
  ['read a'],
  ['assign a'],
  ['assign b'],
  ['assign a', 'assign b'],
  ['remove a'],
  ['keep a'],
  ['append a'],
  ['append b'],
  ['has a', 'assign a'],
  ['update a'],
  ['update a', 'append b'],
  ['take a'],
  ['take a', 'update a'],
  ['update a', 'take a'],
  ['push'],
  ['replace'],
  ['enumerate', 'assign c'],
  ['assign c'],
  ['regenerate'],
  ['regenerate', 'save', 'assign b'],
  ['assign user', 'regenerate'],
  ['append a', 'regenerate'],
  ['keep a', 'regenerate'],
  ['update a', 'regenerate'],
  ['destroy'],
  ['destroy', 'assign a'],
  ['destroy', 'assign user', 'regenerate'],
  ['update a', 'save', 'update a'],
  ['assign b', 'save', 'append a'],
  ['assign user', 'regenerate', 'save', 'append a'],
  ['assign user', 'regenerate', 'save', 'destroy'],
  ['append a', 'regenerate', 'save', 'append a'],
  ['has a', 'regenerate', 'save', 'append a'],
  ['has a', 'regenerate', 'save', 'take a'],
  ['destroy', 'save', 'assign a'],
  ['update a', 'save without await'],
  ['append a', 'save without await'],
  ['assign user', 'regenerate', 'save without await'],
  ['destroy', 'save without await'],
]

const PAIRS = PROGRAMS.flatMap((one, index) => PROGRAMS.slice(index).map((other) => [one, other]))
/** Pairs in which one request has nothing to store but the extension. */
const IDLE_PAIRS = PROGRAMS.flatMap((other) => [
  [['read a'], other],
  [['keep a'], other],
]) satisfies Program[][]
/** A login, a renewal, a write, a read and a logout. */
const KINDS: readonly Program[] = [['assign user', 'regenerate'], ['regenerate'], ['append a'], ['read a'], ['destroy']]
const TRIPLES: readonly (readonly Program[])[] = [
  ...KINDS.flatMap((one, first) =>
    KINDS.slice(first).flatMap((other, second) => KINDS.slice(first + second).map((third) => [one, other, third])),
  ),
  [['append a'], ['append a'], ['append a']],
  [['update a'], ['update a'], ['append a']],
  [['push'], ['take a'], ['assign a']],
  [['assign user', 'regenerate'], ['destroy'], ['update a']],
  [['assign user', 'regenerate'], ['append a'], ['push']],
  [['destroy'], ['destroy', 'assign a'], ['assign b']],
]

/** Each promise is one test; all tests of a describe share one exploration. */
describe.each<{ of: string; races: readonly (readonly Program[])[]; options: RaceOptions; atLeast: number }>([
  { of: 'two requests in one process', races: PAIRS, options: {}, atLeast: 5000 },
  { of: 'two requests in two processes', races: PAIRS, options: { apart: true }, atLeast: 3500 },
  { of: 'two requests in one Worker', races: PAIRS, options: { inTurn: true }, atLeast: 5000 },
  { of: 'two requests that also extend the session', races: IDLE_PAIRS, options: { due: true }, atLeast: 500 },
  { of: 'three requests in one process', races: TRIPLES, options: {}, atLeast: 5000 },
  { of: 'three requests in three processes', races: TRIPLES, options: { apart: true }, atLeast: 10_000 },
])('in every interleaving of $of', ({ races, options, atLeast }) => {
  let race: Race | undefined
  skipPauses(options.inTurn === true ? async () => race?.pause() : undefined)
  if (options.inTurn === true) {
    onWorkers()
    beforeAll(() => void vi.useFakeTimers({ toFake: ['performance'] }))
    afterAll(() => void vi.useRealTimers())
  }
  const explored = once(async () => {
    const failures: Failure[] = []
    let plays = 0
    for (const programs of races) {
      race = new Race(programs, options)
      plays += await race.explore()
      failures.push(...race.failures)
    }
    return { plays, failures }
  })

  test('enough orders are explored', { timeout: 120_000 }, async () => {
    const { plays } = await explored()
    expect(plays).toBeGreaterThan(atLeast)
  })

  test.each(PROMISES)('$promise', async ({ name }) => {
    const { failures } = await explored()
    expect(failures.filter(({ unkept }) => unkept.includes(name)).map(({ story }) => story)).toEqual([])
  })
})

describe('for requests made at random', () => {
  skipPauses()
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom<Step[]>('assign a', 'append a', 'update a', 'take a', 'remove a', 'has a'),
    },
    { weight: 4, arbitrary: fc.constantFrom<Step[]>('assign b', 'append b', 'read b', 'assign user') },
    { weight: 3, arbitrary: fc.constantFrom<Step[]>('push', 'replace', 'enumerate') },
    { weight: 3, arbitrary: fc.constantFrom<Step[]>('regenerate', 'destroy', 'save') },
  )
  const program = fc
    .array(step, { minLength: 1, maxLength: 5 })
    .filter((steps) => steps.filter((one) => one === 'save').length < 2)

  test('two of them keep every promise, in every interleaving', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(program, program, fc.boolean(), async (one, other, apart) => {
        const race = new Race([one, other], { apart })
        await race.explore()
        expect(race.failures).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  test('three of them keep every promise, in some interleaving', { timeout: 60_000 }, async () => {
    const order = fc.array(fc.nat(5), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(fc.tuple(program, program, program), order, fc.boolean(), async (programs, choices, apart) => {
        const race = new Race(programs, { apart })
        await race.rehearse(choices)
        expect(race.failures).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

describe('the exploration', () => {
  test('plays each order of the parked calls once', async () => {
    const stage = new Stage()
    const orders: string[] = []
    const request = (name: string, count: number) => async () => {
      for (let at = 1; at <= count; at++) await stage.park(`${name}${at}`)
    }
    const plays = await stage.explore(async () => {
      await stage.play([request('A', 2), request('B', 3)])
      orders.push(stage.trace.join(' '))
    })
    expect({ plays, distinct: new Set(orders).size }).toEqual({ plays: 10, distinct: 10 })
  })
})

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
