import { runInNewContext } from 'node:vm'
import { codeOf, isError, safeCause, SessError } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'

/** What throws in another realm, as Node's own modules do in a test of Jest. */
const elsewhere = (code: string): unknown => runInNewContext(code)

describe('an error', () => {
  test.each([
    ['of this realm', new Error('a')],
    ['of another realm', elsewhere(`new RangeError('a')`)],
    ['of a class that extends Error', new SessError('CLOSED', 'a')],
    ['of the platform', new DOMException('a', 'TimeoutError')],
    ['without a stack', safeCause(new Error('a'))],
  ])('%s is one', (_, value) => {
    expect(isError(value)).toBe(true)
  })

  test.each([
    ['a text', 'a'],
    ['nothing', undefined],
    ['null', null],
    ['an object with a message alone', { message: 'a' }],
    ['a function', function name() {}],
    ['a Response', new Response()],
  ])('%s is none', (_, value) => {
    expect(isError(value)).toBe(false)
  })
})

test('the code of an error of another realm is known', () => {
  expect(codeOf(elsewhere(`Object.assign(new Error('a'), { code: 'ECONNREFUSED' })`))).toBe('ECONNREFUSED')
  expect(codeOf(elsewhere(`new Error('a')`))).toBeUndefined()
  expect(codeOf(elsewhere(`Object.assign(new Error('a'), { code: 1 })`))).toBeUndefined()
})

test('a safe cause of an error of another realm has its name, message and code, and nothing else', () => {
  const thrown = elsewhere(`Object.assign(new TypeError('a'), { code: 'E', command: 'SET key secret' })`)
  const cause = safeCause(thrown)
  expect(cause).toMatchObject({ name: 'TypeError', message: 'a', code: 'E' })
  expect(cause).not.toHaveProperty('command')
})
