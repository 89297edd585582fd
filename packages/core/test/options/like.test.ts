import { like } from '@sess/core/adapter'
import { expect, it } from 'vitest'

interface Pool {
  connect(): void
  readonly size: number
}

const check = like<Pool>('a Pool of db', 'connect', 'size')

class OtherPool implements Pool {
  readonly size: number = 1
  connect(): void {}
}

it('takes an object with the members, inherited or its own', () => {
  const pool = new OtherPool()
  expect(check(pool, 'db.pool')).toBe(pool)
})

it.each([
  [{}, 'an object'],
  [{ connect: () => {} }, 'an object'],
  [null, 'null'],
  ['connect', 'a string of 7 characters'],
  [undefined, 'missing'],
])('refuses %j, and says what is expected', (value, described) => {
  const message = `Option db.pool is ${described}; expected a Pool of db.`
  expect(() => check(value, 'db.pool')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', message }))
})
