import postgres from 'sess-adapter-postgres'
import { expect, it } from 'vitest'
import { PASSWORD, testSqlOptions } from '../../../tests/support/sql-options.ts'
import { openUntyped, shown } from '../../../tests/support/stores.ts'

const EXAMPLE = `such as 'postgres://user:password@host:5432/database'`

testSqlOptions({
  name: 'postgres',
  adapter: postgres,
  scheme: 'postgres://',
  example: EXAMPLE,
  urls: [
    [`http://:${PASSWORD}@host`, 'that starts with postgres:// or postgresql://'],
    [`postgres://:${PASSWORD}@host?sslrootcert=/missing`, 'with parameters that the client knows'],
  ],
  pool: 'a Pool of pg',
  table: `at most 52 lower-case letters, digits and _, such as 'sessions'`,
  longestTable: 52,
  others: [],
})

it('7.6 a pool excludes url and connections', () => {
  const pool = { connect: () => {}, idleCount: 0 }
  expect(() => openUntyped(postgres, { pool, url: 'postgres://host' })).toThrow('postgres.url is a string of')
  expect(() => openUntyped(postgres, { pool, connections: 1 })).toThrow(
    'Option postgres.connections is 1; expected nothing',
  )
})

it.each([`postgres://alice:${PASSWORD}@db.example/app`, `postgresql:///app?host=/run/pg&user=${PASSWORD}`])(
  '7.6 %s opens a store which connects to nothing yet and shows no password',
  (url) => {
    const largest = { table: 'x'.repeat(52), connections: 1, deadline: 2 ** 31 - 1, maxBytes: 2 ** 28 }
    const store = openUntyped(postgres, { url, ...largest })
    expect(store).toMatchObject({ kind: 'server', name: 'postgres', maxBytes: 2 ** 28, deadline: 2 ** 31 - 1 })
    expect(shown(store)).not.toContain(PASSWORD)
  },
)

it('7.6 options that are undefined have their defaults, and the store lacks nothing', () => {
  const store = openUntyped(postgres, { url: undefined, pool: undefined, table: undefined })
  expect(store).toMatchObject({ maxBytes: 2 ** 20, deadline: 1000 })
  expect(store).not.toHaveProperty('lacks')
})
