import { describe, expect, test } from 'vitest'
import type { Moment } from '../../src/owners/moment.ts'
import { Roster } from '../../src/owners/roster.ts'

const moment = (by: string, tick: number, at: number): Moment => ({ by, tick, at })

/** A roster as it is stored after these revocations. */
function revoked(...moments: readonly Moment[]): Roster {
  let roster = Roster.empty()
  for (const each of moments) {
    roster.revoke(each)
    roster = Roster.decode(roster.encode()) ?? Roster.empty()
  }
  return roster
}

describe('a login is refused', () => {
  test('after a revocation by its own process, whatever the clock said', () => {
    expect(revoked(moment('a', 5, 100)).wasRevokedAfter(moment('a', 4, 200))).toBe(true)
  })

  test('after a revocation by another process that is stored before one of its own that began sooner', () => {
    expect(revoked(moment('b', 1, 100), moment('a', 6, 90)).wasRevokedAfter(moment('a', 7, 95))).toBe(true)
  })

  test('after the later of two revocations by its own process that are stored in reverse', () => {
    expect(revoked(moment('a', 9, 100), moment('a', 5, 90)).wasRevokedAfter(moment('a', 7, 95))).toBe(true)
  })

  test('after a revocation by a process that was followed by two others', () => {
    const fence = revoked(moment('a', 9, 100), moment('b', 1, 50), moment('c', 1, 60))
    expect(fence.wasRevokedAfter(moment('c', 2, 99))).toBe(true)
    expect(fence.wasRevokedAfter(moment('a', 8, 99))).toBe(true)
  })
})

describe('a login is admitted', () => {
  test('that began after all revocations', () => {
    const fence = revoked(moment('a', 5, 100), moment('b', 1, 110), moment('a', 6, 120))
    for (const each of [moment('a', 7, 120), moment('b', 2, 121), moment('c', 1, 121)])
      expect(fence.wasRevokedAfter(each)).toBe(false)
  })

  test('where nothing was revoked', () => {
    expect(Roster.empty().wasRevokedAfter(moment('a', 1, 1))).toBe(false)
  })
})
