import { frame, newVersion, unframe } from '@sess/core/adapter'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('a version', () => {
  test('is 16 characters that any backend takes', () => {
    for (let count = 0; count < 1000; count++) expect(newVersion()).toMatch(/^[A-Za-z0-9_-]{16}$/)
  })

  test('is never the same twice', () => {
    const versions = Array.from({ length: 10_000 }, () => newVersion())
    expect(new Set(versions).size).toBe(versions.length)
  })
})

describe('a frame', () => {
  test('returns any data and any expiry', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 8.64e15 }), (data, expiresAt) => {
        const version = newVersion()
        expect(unframe(frame({ data, expiresAt }, version))).toEqual({ data, expiresAt, version })
      }),
    )
  })

  test('begins with the version', () => {
    const version = newVersion()
    expect(frame({ data: 'data', expiresAt: 1 }, version).slice(0, 16)).toBe(version)
  })

  test.each([
    ['nothing', ''],
    ['text', 'some text of more than sixteen characters'],
    ['a frame without its data', 'abcdefghijklmnop12'],
    ['a version that is too short', 'abcdefghijklmno1:data'],
    ['a version of other characters', 'abcdefghijklmno+1:data'],
    ['no expiry', 'abcdefghijklmnop:data'],
    ['an expiry that is none', 'abcdefghijklmnop1x:data'],
    ['an expiry of zero', 'abcdefghijklmnop0:data'],
    ['an expiry in another spelling', 'abcdefghijklmnop01:data'],
    ['a negative expiry', 'abcdefghijklmnop-1:data'],
    ['an expiry that no Date holds', 'abcdefghijklmnop8640000000000001:data'],
    ['an expiry that is too long', 'abcdefghijklmnop12345678901234567:data'],
    ['a line before it', '\nabcdefghijklmnop1:data'],
  ])('is not made of %s', (_, text) => {
    expect(unframe(text)).toBeUndefined()
  })
})
