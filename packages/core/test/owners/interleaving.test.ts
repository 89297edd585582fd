import { sessions } from '@sess/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Act, OwnerRace } from '../support/owner-race.ts'
import { skipPauses } from '../support/pauses.ts'

const isNightly = process.env['SESS_NIGHTLY'] === '1'

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

/** Of the orders that are too many to try all of them. */
const SOME = 200
const anyOrder = fc.array(fc.nat(5), { minLength: 20, maxLength: 20 })

describe('in every interleaving of two in two processes', () => {
  skipPauses()

  test.each(named(PAIRS))('all promises are kept: $name', { timeout: 300_000 }, async ({ acts }) => {
    const race = new OwnerRace(acts, sessions, { isApart: true })
    expect(await race.explore()).toBeGreaterThan(10)
    expect(race.failures.slice(0, 3)).toEqual([])
  })
})

describe(`in ${isNightly ? 'every interleaving' : 'interleavings'} of a login, a revocation and one more request`, () => {
  skipPauses()

  test.each(named(TRIPLES))('all promises are kept: $name', { timeout: 3_600_000 }, async ({ acts }) => {
    const race = new OwnerRace(acts, sessions, { isApart: true })
    if (isNightly) await race.explore()
    else for (const order of fc.sample(anyOrder, SOME)) await race.rehearse(order)
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
