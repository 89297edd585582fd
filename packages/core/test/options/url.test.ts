import { url } from '@sess/core/adapter'
import { expect, it } from 'vitest'
import { shown } from '../../../../tests/support/stores.ts'

const EXAMPLE = 'db://user:password@host:5432/name'
const SECRET = 'hunter2'

const check = url({
  schemes: ['db://', 'dbs://'],
  example: EXAMPLE,
  parse(text) {
    if (text.includes('unknown')) throw new Error(`what is ${text}?`)
  },
})

it.each([
  EXAMPLE,
  'dbs://host',
  'db://',
  'db:///name?host=/run/db&user=alice@example',
  'db://%2Frun%2Fdb/name',
  'db://alice@example:p%2Fw@host/name',
  'db://u:p@[::1]:65535/name?a=b@c#d',
])('takes %s', (text) => {
  expect(check(text, 'db.url')).toBe(text)
})

it.each([
  ['a URL that starts with db:// or dbs://,', `http://:${SECRET}@host`],
  ['a URL that starts with db:// or dbs://,', SECRET],
  ['a URL that starts with db:// or dbs://,', ''],
  ['a URL whose user and password are percent-encoded,', `db://u:${SECRET}/@host/name`],
  ['a URL whose user and password are percent-encoded,', `db://u:12/${SECRET}@host/name`],
  ['a URL whose user and password are percent-encoded,', `db://u:${SECRET}#@host`],
  ['a URL whose user and password are percent-encoded,', `db://u:${SECRET}?@host`],
  ['a URL whose user and password are percent-encoded,', `db://u:%ff${SECRET}@host`],
  ['a URL with a port from 1 to 65535,', `db://u:${SECRET}@host:65536`],
  ['a URL with a port from 1 to 65535,', `db://u:${SECRET}@host:0`],
  ['a URL with a port from 1 to 65535,', `db://u:${SECRET}@[::1]:5e3/name`],
  ['a URL with a valid host,', `db://u:${SECRET}@ho st`],
  ['a URL with a valid host,', `db://u:${SECRET}@`],
  ['a URL whose path and parameters are percent-encoded,', `db://u:${SECRET}@host/%ff`],
  ['a URL with parameters that the client knows,', `db://u:${SECRET}@host?unknown=1`],
  ['a URL', 5432],
  ['a URL', undefined],
])('names the part that is wrong, and repeats nothing: %s %j', (expected, value) => {
  const failure = thrown(() => check(value, 'db.url'))
  expect(failure).toMatchObject({ code: 'INVALID_OPTION' })
  expect(failure.message).toMatch(/^Option db\.url is /)
  expect(failure.message).toContain(`; expected ${expected} such as '${EXAMPLE}'.`)
  expect(shown(failure)).not.toContain(SECRET)
})

function thrown(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('expected an Error')
}
