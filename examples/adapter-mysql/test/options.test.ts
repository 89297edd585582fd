import mysql from 'sess-adapter-mysql'
import { expect, it } from 'vitest'
import { PASSWORD, testSqlOptions } from '../../../tests/support/sql-options.ts'
import { openUntyped, shown } from '../../../tests/support/stores.ts'

const EXAMPLE = `such as 'mysql://user:password@host:3306/database'`

testSqlOptions({
  name: 'mysql',
  adapter: mysql,
  scheme: 'mysql://',
  example: EXAMPLE,
  urls: [
    [`http://:${PASSWORD}@host`, 'that starts with mysql://'],
    [`mysql://:${PASSWORD}@host?ssl=unknown`, 'with parameters that the client knows'],
  ],
  pool: 'a Pool of mysql2/promise',
  table: 'at most 64 lower-case letters, digits and _',
  longestTable: 64,
  others: [[{}, `Option mysql.url is missing; expected a URL ${EXAMPLE}.`]],
})

it.each([{ url: 'mysql://host' }, { connections: 1 }])('7.6 a pool excludes %j', (other) => {
  const pool = { getConnection: () => {}, pool: {} }
  expect(() => openUntyped(mysql, { pool, ...other })).toThrow('because mysql.pool is set')
})

it('7.6 the largest options open a store which connects to nothing yet and shows no password', () => {
  const url = `mysql://alice:${PASSWORD}@db.example/app?ssl={"rejectUnauthorized":true}`
  const largest = { table: 'x'.repeat(64), connections: 1, deadline: 2 ** 31 - 1, maxBytes: 2 ** 28 }
  const store = openUntyped(mysql, { url, ...largest })
  expect(store).toMatchObject({ kind: 'server', name: 'mysql', maxBytes: 2 ** 28, deadline: 2 ** 31 - 1 })
  expect(shown(store)).not.toContain(PASSWORD)
})

it('7.6 options that are undefined have their defaults, and the store lacks nothing', () => {
  const store = openUntyped(mysql, { url: 'mysql://host/app', table: undefined })
  expect(store).toMatchObject({ maxBytes: 2 ** 20, deadline: 1000 })
  expect(store).not.toHaveProperty('lacks')
})
