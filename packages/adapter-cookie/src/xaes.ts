import { type Cipher, type CipherGCM, createCipheriv, createDecipheriv, type DecipherGCM } from 'node:crypto'

export const NONCE_LENGTH = 24
export const TAG_LENGTH = 16

/** Without a length given, a decipher accepts a tag cut to 4 bytes. */
const GCM = { authTagLength: TAG_LENGTH }

/** XAES-256-GCM under one key, as https://c2sp.org/XAES-256-GCM specifies it. */
export class Xaes256Gcm {
  /** ECB without padding keeps no state between blocks, so one cipher serves every derivation. */
  readonly #aes: Cipher
  /** M1 ⊕ K1 ‖ M2 ⊕ K1 in the specification's terms, for a nonce of zeros. */
  readonly #blank: Buffer
  readonly #blocks: Buffer
  readonly #iv = Buffer.alloc(12)

  constructor(key: Uint8Array) {
    this.#aes = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
    const l = BigInt(`0x${this.#aes.update(Buffer.alloc(16)).toString('hex')}`)
    const k1 = BigInt.asUintN(128, l << 1n) ^ ((l >> 127n) * 0b1000_0111n)
    this.#blank = Buffer.from(block(k1 ^ (0x0001_5800n << 96n)) + block(k1 ^ (0x0002_5800n << 96n)), 'hex')
    this.#blocks = Buffer.from(this.#blank)
  }

  cipher(nonce: Buffer): CipherGCM {
    return createCipheriv('aes-256-gcm', this.#derive(nonce), this.#iv, GCM)
  }

  decipher(nonce: Buffer): DecipherGCM {
    return createDecipheriv('aes-256-gcm', this.#derive(nonce), this.#iv, GCM)
  }

  /** The key; what of the nonce is the cipher's own lies in `#iv` then. */
  #derive(nonce: Buffer): Buffer {
    nonce.copy(this.#iv, 0, NONCE_LENGTH - this.#iv.length)
    for (let at = 0; at < 12; at += 4) {
      const word = this.#blank.readInt32BE(4 + at) ^ nonce.readInt32BE(at)
      this.#blocks.writeInt32BE(word, 4 + at)
      this.#blocks.writeInt32BE(word, 20 + at)
    }
    return this.#aes.update(this.#blocks)
  }
}

function block(value: bigint): string {
  return value.toString(16).padStart(32, '0')
}
