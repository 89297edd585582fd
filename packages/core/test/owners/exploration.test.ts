import { sessions } from '@sess/core'
import type { ServerStore, Stored } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CutStore, Entries } from '../support/cut-store.ts'
import { type AreIndependent, areApart } from '../support/exploration.ts'
import { Stage } from '../support/interleaving.ts'
import { type Act, OwnerRace } from '../support/owner-race.ts'
import { skipPauses } from '../support/pauses.ts'
import { isNightly } from '../../../../scripts/nightly.js'

/** A step of a program. `hidden` is a key whose calls are not parked, so that they belong to the call before them. */
const STEPS = [
  'read a',
  'read b',
  'read hidden',
  'read a and b at once',
  'write a',
  'write b',
  'write hidden',
  'destroy a',
  'destroy b',
  /** Makes an entry under a random key, and names it in `a`. */
  'leave',
  /** The other way round. */
  'promise',
  /** Reads the entry that `a` names, and changes it. */
  'follow',
  /** Skips the next step if the last one has found nothing, or was refused. */
  'if so',
] as const

type Step = (typeof STEPS)[number]

/** Runs a program. Resolves with what it has seen. */
async function run(steps: readonly Step[], store: ServerStore, name: string): Promise<readonly string[]> {
  const seen: string[] = []
  const known = new Map<string, Stored | null>()
  const read = async (key: string): Promise<void> => {
    const found = await store.read(key)
    known.set(key, found)
    seen.push(found?.data ?? 'none')
  }
  const write = async (key: string, data: string): Promise<void> => {
    const version = known.get(key)?.version
    const entry = { data, expiresAt: 1 }
    const next = await (version === undefined ? store.create(key, entry) : store.update(key, entry, version))
    if (next !== null) known.set(key, { ...entry, version: next })
    seen.push(next === null ? 'none' : 'stored')
  }
  for (let at = 0; at < steps.length; at++) {
    const [verb, key = ''] = steps[at]?.split(' ') ?? []
    if (steps[at] === 'read a and b at once') await Promise.all([read('a'), read('b')])
    else if (verb === 'read') await read(key)
    else if (verb === 'write') await write(key, `${name}${at}`)
    else if (verb === 'destroy') await store.destroy(key)
    else if (verb === 'leave' || verb === 'promise') {
      const random = `random ${Math.random()}`
      if (verb === 'leave') await write(random, 'made')
      await write('a', random)
      if (verb === 'promise') await write(random, 'made')
    } else if (verb === 'follow') {
      await read('a')
      const named = seen.at(-1) ?? ''
      if (!named.startsWith('random')) continue
      await read(named)
      await write(named, `found by ${name}`)
    } else if (seen.at(-1) === 'none') at++
  }
  return seen
}

/** What programs that run at the same time have seen and left, in every order. */
async function outcomes(
  programs: readonly (readonly Step[])[],
  areIndependent?: AreIndependent,
): Promise<{ readonly plays: number; readonly states: ReadonlySet<string> }> {
  const stage = new Stage()
  const states = new Set<string>()
  const scenario = async (): Promise<void> => {
    const entries = new Entries()
    entries.put('a', { data: 'first', expiresAt: 1 }, undefined)
    const seen = await stage.play(
      programs.map((steps, at) => {
        const name = String(at)
        const store = stage.parking(new CutStore(entries), name, {
          isShared: (key) => key !== 'hidden',
          randomKeysIn: (text) => text.match(/^random.*/) ?? [],
        })
        return () => run(steps, store, name)
      }),
    )
    const left = entries.keys().map((key) => `${stage.nameOf(key)} ${stage.nameOf(entries.get(key)?.data ?? '')}`)
    states.add(JSON.stringify([seen.map((all) => all.map((one) => stage.nameOf(one))), left.toSorted()]))
  }
  const plays = await stage.explore(scenario, areIndependent)
  return { plays, states }
}

const ACTS: readonly Act[] = [
  'login',
  'login on a session',
  'login again',
  'login of another user',
  'move',
  'change',
  'logout',
  'extension',
]
const REVOCATIONS: readonly Act[] = ['revoke', 'revoke all others', 'revoke one']
/** They have at most 350 orders. A nightly run tries the others too, which have up to 4000. */
const SHORT: ReadonlySet<string> = new Set([
  'login, revoke all others',
  'login on a session, revoke all others',
  'move, revoke',
  ...REVOCATIONS.flatMap((act) => [`change, ${act}`, `extension, ${act}`]),
])
const PAIRS = ACTS.flatMap((one) => REVOCATIONS.map((other): readonly Act[] => [one, other]))

const anyProgram = (most: number) => fc.array(fc.constantFrom(...STEPS), { minLength: 1, maxLength: most })

describe('the exploration of all orders but those that differ by the order of independent steps', () => {
  test.each([
    { programs: [['read a'], ['read a']], all: 2, some: 1 },
    { programs: [['write b'], ['read a']], all: 2, some: 1 },
    { programs: [['write b'], ['read b']], all: 2, some: 2 },
    {
      programs: [
        ['read a', 'read b'],
        ['read b', 'write b'],
      ],
      all: 6,
      some: 2,
    },
    { programs: [['leave'], ['leave']], all: 6, some: 1 },
  ] satisfies { programs: Step[][]; all: number; some: number }[])(
    'plays $some of $all orders of $programs',
    async ({ programs, all, some }) => {
      expect((await outcomes(programs)).plays).toBe(all)
      expect((await outcomes(programs, areApart)).plays).toBe(some)
    },
  )

  test.each([
    { of: 'two programs', programs: fc.tuple(anyProgram(4), anyProgram(4)) },
    { of: 'three programs', programs: fc.tuple(anyProgram(2), anyProgram(2), anyProgram(2)) },
  ])('comes to whatever $of can come to', { timeout: 300_000 }, async ({ programs }) => {
    await fc.assert(
      fc.asyncProperty(programs, async (some) => {
        const [every, reduced] = [await outcomes(some), await outcomes(some, areApart)]
        expect(reduced.states).toEqual(every.states)
        expect(reduced.plays).toBeLessThanOrEqual(every.plays)
      }),
      { numRuns: isNightly ? 5000 : 100 },
    )
  })

  test('comes to less if steps count as independent that are not', async () => {
    const programs: Step[][] = [
      ['read a', 'write a'],
      ['write b', 'read a'],
    ]
    const { states } = await outcomes(programs)
    expect((await outcomes(programs, () => true)).states.size).toBeLessThan(states.size)
  })
})

describe('the exploration of a race', () => {
  skipPauses()

  test.each(PAIRS.map((acts) => ({ name: acts.join(', '), acts })).filter(({ name }) => isNightly || SHORT.has(name)))(
    'comes to whatever it can come to: $name',
    { timeout: 300_000 },
    async ({ acts }) => {
      const states: string[] = []
      const race = new OwnerRace(acts, sessions, { isApart: true, onEnd: (state) => states.push(state) })
      await race.explore()
      const reduced = new Set(states.splice(0))
      await race.exploreAll()
      expect(reduced).toEqual(new Set(states))
    },
  )
})
