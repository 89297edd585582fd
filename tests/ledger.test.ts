import { expect, it } from 'vitest'
import { Known, Ledger } from '../benchmarks/scale/ledger.js'

const HONEST = { lostSessions: 0, lostChanges: 0, revived: 0, invented: 0 }

/** A session whose client has two acknowledged changes. */
function counted(): { readonly ledger: Ledger; readonly known: Known } {
  const [ledger, known] = [new Ledger(), new Known('cookie')]
  for (const count of [1, 2]) ledger.see(known, count, 1)
  return { ledger, known }
}

it('finds no fault with a session that has what was acknowledged', () => {
  const { ledger, known } = counted()
  expect(ledger.see(known, 2)).toBe(true)
  expect(ledger.faults).toEqual(HONEST)
})

it('reports an acknowledged change that is lost, once', () => {
  const { ledger, known } = counted()
  ledger.see(known, 1)
  ledger.see(known, 1)
  expect(ledger.faults).toEqual({ ...HONEST, lostChanges: 1 })
})

it('reports an acknowledged change that is lost when the next one is acknowledged', () => {
  const { ledger, known } = counted()
  ledger.see(known, 2, 1)
  expect(ledger.faults).toEqual({ ...HONEST, lostChanges: 1 })
})

it('reports a session that is gone', () => {
  const { ledger, known } = counted()
  expect(ledger.see(known, null)).toBe(false)
  expect(ledger.faults).toEqual({ ...HONEST, lostSessions: 1 })
})

it('reports a change that nobody has asked for', () => {
  const { ledger, known } = counted()
  ledger.see(known, 3)
  expect(ledger.faults).toEqual({ ...HONEST, invented: 1 })
})

it.each([2, 3])('accepts a change of unknown outcome, made or not (count %i)', (count) => {
  const { ledger, known } = counted()
  known.doubt()
  ledger.see(known, count)
  expect(ledger.faults).toEqual(HONEST)
})

it('does not let a change of unknown outcome make up for one that is lost later', () => {
  const { ledger, known } = counted()
  known.doubt()
  ledger.see(known, 4, 1)
  ledger.see(known, 3)
  expect(ledger.faults).toEqual({ ...HONEST, lostChanges: 1 })
})
