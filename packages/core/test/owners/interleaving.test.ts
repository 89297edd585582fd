import { sessions } from '@sess/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Act, OwnerRace } from '../support/owner-race.ts'
import { skipPauses } from '../support/pauses.ts'
import { isNightly } from '../../../../scripts/nightly.js'

const LOGINS: readonly Act[] = ['login', 'login on a session', 'login again']
const REVOCATIONS: readonly Act[] = ['revoke', 'revoke all others', 'revoke one']
const OTHERS: readonly Act[] = ['move', 'change', 'logout', 'extension', 'login of another user']

const PAIRS = [...LOGINS, ...OTHERS].flatMap((one) => REVOCATIONS.map((other): readonly Act[] => [one, other]))
const THIRDS: readonly Act[] = [...OTHERS, 'login again', 'login', 'revoke']
const TRIPLES = [
  ...THIRDS.map((third): readonly Act[] => ['login', 'revoke', third]),
  ...THIRDS.map((third): readonly Act[] => ['login again', 'revoke all others', third]),
]
const named = (races: readonly (readonly Act[])[]): readonly { name: string; acts: readonly Act[] }[] =>
  races.map((acts) => ({ name: acts.join(', '), acts }))

/** They have thousands of orders that differ in more than the order of independent steps: only a nightly run tries all. */
const LONG: ReadonlySet<string> = new Set([
  'login, revoke',
  'login on a session, revoke',
  'login again, revoke',
  'login, revoke, logout',
  'login, revoke, login again',
  'login, revoke, login',
  'login, revoke, revoke',
  'login again, revoke all others, logout',
  'login again, revoke all others, login',
  'login again, revoke all others, revoke',
])
const isTried = ({ name }: { readonly name: string }): boolean => isNightly || !LONG.has(name)
/** Of the orders that are too many to try all of them. */
const SOME = 200
const anyOrder = fc.array(fc.nat(5), { minLength: 20, maxLength: 20 })

describe('in every interleaving of two in two processes', () => {
  skipPauses()

  test.each(named(PAIRS))('all promises are kept: $name', { timeout: 300_000 }, async ({ acts, name }) => {
    const race = new OwnerRace(acts, sessions, { isApart: true, isParkingAll: isTried({ name }) })
    expect(await race.explore()).toBeGreaterThan(2)
    expect(race.failures.slice(0, 3)).toEqual([])
  })
})

describe('in every interleaving of a login, a revocation and one more request', () => {
  skipPauses()

  test.each(named(TRIPLES).filter(isTried))(
    'all promises are kept: $name',
    { timeout: 3_600_000 },
    async ({ acts }) => {
      const race = new OwnerRace(acts, sessions, { isApart: true })
      expect(await race.explore()).toBeGreaterThan(100)
      expect(race.failures.slice(0, 3)).toEqual([])
    },
  )
})

describe('in some interleavings of a login, a revocation and one more request', () => {
  skipPauses()

  test.each(named(TRIPLES).filter(({ name }) => LONG.has(name)))('all promises are kept: $name', async ({ acts }) => {
    const race = new OwnerRace(acts, sessions, { isApart: true })
    for (const order of fc.sample(anyOrder, SOME)) await race.rehearse(order)
    expect(race.failures.slice(0, 3)).toEqual([])
  })
})

describe.each([
  { of: 'in one process, which gathers changes of a list', options: {} },
  { of: 'where the user has more sessions than one roster lists', options: { isApart: true, isSharded: true } },
  { of: 'where the user has as many sessions as there may be', options: { isApart: true, maxPerOwner: 2 } },
])('in interleavings $of', ({ options }) => {
  skipPauses()

  test.each(named([...PAIRS, ...TRIPLES]))('all promises are kept: $name', { timeout: 300_000 }, async ({ acts }) => {
    const race = new OwnerRace(acts, sessions, options)
    for (const order of fc.sample(anyOrder, isNightly ? 10 * SOME : SOME / 20)) await race.rehearse(order)
    expect(race.failures.slice(0, 3)).toEqual([])
  })
})
