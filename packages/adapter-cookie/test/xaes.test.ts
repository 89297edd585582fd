import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Nonce, Xaes256Gcm } from '../src/xaes.ts'

function encrypt(key: Buffer, nonce: Buffer, plaintext: Buffer, additional: Buffer): Buffer {
  const cipher = new Xaes256Gcm(key).cipher(new Nonce(nonce)).setAAD(additional)
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: Buffer, nonce: Buffer, sealed: Buffer, additional: Buffer): Buffer {
  const decipher = new Xaes256Gcm(key).decipher(new Nonce(nonce)).setAAD(additional).setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
}

// https://c2sp.org/XAES-256-GCM, "Test vectors"
describe('XAES-256-GCM', () => {
  it.each([
    ['MSB(L) = 0', 1, '', 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271'],
    ['MSB(L) = 1', 3, 'c2sp.org/XAES-256-GCM', '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d'],
  ])('agrees with the vector for %s', (_, byte, additionalText, expected) => {
    const key = Buffer.alloc(32, byte)
    const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX')
    const plaintext = Buffer.from('XAES-256-GCM')
    const additional = Buffer.from(additionalText)
    expect(encrypt(key, nonce, plaintext, additional).toString('hex')).toBe(expected)
    expect(decrypt(key, nonce, Buffer.from(expected, 'hex'), additional)).toEqual(plaintext)
  })

  it('agrees with the 10 000 accumulated vectors', () => {
    const random = createHash('shake128', { outputLength: 4_000_000 }).digest()
    const hash = createHash('shake128', { outputLength: 32 })
    let at = 0
    const take = (length: number) => random.subarray(at, (at += length))
    const takeVector = () => take(take(1).readUInt8())
    for (let n = 0; n < 10_000; n++) {
      const [key, nonce, plaintext, additional] = [take(32), take(24), takeVector(), takeVector()]
      const sealed = encrypt(key, nonce, plaintext, additional)
      if (!decrypt(key, nonce, sealed, additional).equals(plaintext)) throw new Error(`vector ${n} does not open`)
      hash.update(sealed)
    }
    expect(random.toString('hex', 0, 16)).toBe('7f9c2ba4e88f827d616045507605853e')
    expect(hash.digest('hex')).toBe('e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939')
  })

  it('derives each key afresh from one long-lived cipher', () => {
    const aead = new Xaes256Gcm(Buffer.alloc(32, 1))
    for (const letter of 'ABCABC') {
      const nonce = Buffer.alloc(24, letter)
      const sealed = aead.cipher(new Nonce(nonce))
      const bytes = Buffer.concat([sealed.update('text'), sealed.final(), sealed.getAuthTag()])
      expect(bytes).toEqual(encrypt(Buffer.alloc(32, 1), nonce, Buffer.from('text'), Buffer.alloc(0)))
    }
  })

  it('takes no shortened tag', () => {
    const decipher = new Xaes256Gcm(Buffer.alloc(32, 1)).decipher(new Nonce(Buffer.alloc(24)))
    expect(() => decipher.setAuthTag(Buffer.alloc(4))).toThrow(/tag/)
  })
})
