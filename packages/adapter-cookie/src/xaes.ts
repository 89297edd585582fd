import { type Cipher, type CipherGCM, createCipheriv, createDecipheriv, type DecipherGCM } from 'node:crypto'

export const NONCE_LENGTH = 24
export const TAG_LENGTH = 16
const IV_LENGTH = 12

/** Without `authTagLength`, a decipher accepts a tag that is cut to 4 bytes. */
const GCM = { authTagLength: TAG_LENGTH }

/**
 * A view of 24 bytes: a key is derived from the first 12, and GCM takes the last 12 as its IV. It sees later changes of
 * the bytes.
 */
export class Nonce {
  readonly words: DataView
  readonly iv: Buffer

  constructor(bytes: Buffer) {
    this.words = viewOf(bytes)
    this.iv = bytes.subarray(NONCE_LENGTH - IV_LENGTH, NONCE_LENGTH)
  }
}

/** XAES-256-GCM under one key, as https://c2sp.org/XAES-256-GCM specifies it. */
export class Xaes256Gcm {
  /** ECB without padding keeps no state between blocks, so one cipher serves every derivation. */
  readonly #aes: Cipher
  /** M1 ⊕ K1 ‖ M2 ⊕ K1 of the specification, for a nonce of zeros. `#blocks` has it for the current nonce. */
  readonly #blank: DataView
  readonly #blocks: Buffer
  readonly #words: DataView

  constructor(key: Uint8Array) {
    // ECB has no IV. workerd takes no null for that.
    this.#aes = createCipheriv('aes-256-ecb', key, '').setAutoPadding(false)
    const l = BigInt(`0x${this.#aes.update(Buffer.alloc(16)).toString('hex')}`)
    const k1 = BigInt.asUintN(128, l << 1n) ^ ((l >> 127n) * 0b1000_0111n)
    this.#blocks = Buffer.from(block(k1 ^ (0x0001_5800n << 96n)) + block(k1 ^ (0x0002_5800n << 96n)), 'hex')
    this.#words = viewOf(this.#blocks)
    this.#blank = viewOf(Buffer.from(this.#blocks))
  }

  cipher(nonce: Nonce): CipherGCM {
    return createCipheriv('aes-256-gcm', this.#derive(nonce), nonce.iv, GCM)
  }

  decipher(nonce: Nonce): DecipherGCM {
    return createDecipheriv('aes-256-gcm', this.#derive(nonce), nonce.iv, GCM)
  }

  #derive({ words }: Nonce): Buffer {
    for (let at = 0; at < NONCE_LENGTH - IV_LENGTH; at += 4) {
      const word = this.#blank.getInt32(4 + at) ^ words.getInt32(at)
      this.#words.setInt32(4 + at, word)
      this.#words.setInt32(20 + at, word)
    }
    return this.#aes.update(this.#blocks)
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}

function block(value: bigint): string {
  return value.toString(16).padStart(32, '0')
}
