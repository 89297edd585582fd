import { MAX_TIME, newVersion, storedRow } from '@sess/core/adapter'
import { describe, expect, it } from 'vitest'
import { failureOf, shown } from '../../../../tests/support/stores.ts'

const version = newVersion()
const row = { data: Buffer.from('data'), expires_at: 5000, version }

describe('a row', () => {
  it.each([
    ['bytes', row],
    ['a text as data', { ...row, data: 'data' }],
    ['a part of other bytes', { ...row, data: new Uint8Array(Buffer.from('<data>')).subarray(1, 5) }],
    ['bytes as the version', { ...row, version: Buffer.from(version) }],
    ['digits as the expiry', { ...row, expires_at: '5000' }],
    ['a bigint as the expiry', { ...row, expires_at: 5000n }],
    ['more columns', { ...row, key: 'key' }],
  ])('may have %s', (_, given) => {
    expect(storedRow('db', given)).toEqual({ data: 'data', expiresAt: 5000, version })
  })

  it('keeps the data to the last code unit', () => {
    const data = '\uFEFFa\0\u2028\u{1F36A}\r\n'
    expect(storedRow('db', { ...row, data: Buffer.from(data) }).data).toBe(data)
  })

  it.each([1, MAX_TIME])('may expire at %d', (expiresAt) => {
    expect(storedRow('db', { ...row, expires_at: expiresAt }).expiresAt).toBe(expiresAt)
  })
})

describe('a row that the store did not write is CORRUPT, and the error shows none of it:', () => {
  const SECRET = 'hunter2'
  it.each([
    ['no row', undefined],
    ['null', null],
    ['an array', [Buffer.from('data'), 5000, version]],
    ['no data', { ...row, data: null }],
    ['data that is not UTF-8', { ...row, data: Buffer.from([...Buffer.from(SECRET), 0xff]) }],
    ['data with a lone surrogate', { ...row, data: `${SECRET}\uD800` }],
    ['data that is an object', { ...row, data: { SECRET } }],
    ['no version', { ...row, version: null }],
    ['a version of another length', { ...row, version: `${version}x` }],
    ['a version with a trailing blank', { ...row, version: `${version} ` }],
    ['a version with a trailing line feed', { ...row, version: `${version}\n` }],
    ['a version of other characters', { ...row, version: `${SECRET}!+/.... ..` }],
    ['no expiry', { ...row, expires_at: null }],
    ['an expiry of 0', { ...row, expires_at: 0 }],
    ['a negative expiry', { ...row, expires_at: '-5000' }],
    ['a fraction', { ...row, expires_at: 1.5 }],
    ['an expiry that no date has', { ...row, expires_at: MAX_TIME + 1 }],
    ['an expiry in hexadecimal', { ...row, expires_at: '0x10' }],
    ['an expiry with blanks', { ...row, expires_at: ' 5000' }],
    ['an expiry in an array', { ...row, expires_at: [5000] }],
    ['a date', { ...row, expires_at: new Date(5000) }],
  ])('%s', async (_, given) => {
    const failure = await failureOf(() => storedRow('db', given))
    expect(failure.code).toBe('CORRUPT')
    expect(shown(failure)).not.toContain(SECRET)
  })
})
