import { createHmac, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Hmac } from '../../src/crypto/hmac.js'

function hmacOf(key: Uint8Array, prefix: string, message: Uint8Array): string {
  return new Hmac(key, prefix, message.length).digest(message).toString('hex')
}

describe('our HMAC-SHA-256', () => {
  test.each([
    ['1', Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    ['2', 'Jefe', 'what do ya want for nothing?', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    [
      '3',
      Buffer.alloc(20, 0xaa),
      Buffer.alloc(50, 0xdd),
      '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
    ],
    [
      '4',
      Buffer.from(Array.from({ length: 25 }, (_, index) => index + 1)),
      Buffer.alloc(50, 0xcd),
      '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    ],
    ['5', Buffer.alloc(20, 0x0c), 'Test With Truncation', 'a3b6167473100ee06e0c796c2955552b'],
    [
      '6',
      Buffer.alloc(131, 0xaa),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      '7',
      Buffer.alloc(131, 0xaa),
      'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
  ])('agrees with test case %s of RFC 4231', (_, key, message, expected) => {
    expect(hmacOf(Buffer.from(key), '', Buffer.from(message)).slice(0, expected.length)).toBe(expected)
  })

  test("agrees with Node's own for keys, prefixes and messages of all lengths", () => {
    for (let length = 0; length < 200; length++) {
      const [key, message] = [randomBytes(length), randomBytes(199 - length)]
      const prefix = 'é'.repeat(length)
      const expected = createHmac('sha256', key).update(prefix).update(message).digest('hex')
      expect(hmacOf(key, prefix, message)).toBe(expected)
    }
  })

  test('carries no state from one message to the next', () => {
    const key = randomBytes(32)
    const hmac = new Hmac(key, 'prefix', 4)
    const first = hmac.digest(Buffer.from('some'))
    hmac.digest(Buffer.from('more'))
    expect(hmac.digest(Buffer.from('some'))).toEqual(first)
    expect(first.toString('hex')).toBe(createHmac('sha256', key).update('prefixsome').digest('hex'))
  })
})
