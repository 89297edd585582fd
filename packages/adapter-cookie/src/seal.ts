import { randomFillSync } from 'node:crypto'
import type { Entry } from '@sess/core/adapter'
import { NONCE_LENGTH, TAG_LENGTH, Xaes256Gcm } from './xaes.js'

// hint ‖ nonce ‖ ciphertext ‖ tag, where the plaintext is expiresAt (8 bytes, big-endian) ‖ data
export const HINT_LENGTH = 4
const NONCE_END = HINT_LENGTH + NONCE_LENGTH
const EXPIRY_LENGTH = 8

/** How many bytes longer than its data a sealed entry is. */
export const OVERHEAD: number = NONCE_END + EXPIRY_LENGTH + TAG_LENGTH

/** What one secret seals, only that secret opens, and only for the same cookie. */
export class Seal {
  readonly #aead: Xaes256Gcm
  readonly #hint: Buffer
  readonly #hintNumber: number
  readonly #additional: Buffer
  /** Of the entry that is being opened. */
  readonly #nonce = Buffer.alloc(NONCE_LENGTH)
  readonly #tag = Buffer.alloc(TAG_LENGTH)
  /** Nonces to come: drawing many at once costs a fraction of drawing each. None is used twice. */
  readonly #nonces = Buffer.allocUnsafeSlow(128 * NONCE_LENGTH)
  #nonceStart = this.#nonces.length

  /** The hint says which key sealed a token, so that of several secrets one is tried. */
  constructor(key: Uint8Array, hint: Buffer, cookieName: string) {
    this.#aead = new Xaes256Gcm(key)
    this.#hint = hint
    this.#hintNumber = hint.readUInt32BE()
    this.#additional = Buffer.concat([Buffer.from('sess/cookie/1/'), hint, Buffer.from(cookieName)])
  }

  seal({ data, expiresAt }: Entry): Buffer {
    const plaintext = Buffer.allocUnsafe(EXPIRY_LENGTH + Buffer.byteLength(data))
    plaintext.writeUInt32BE(Math.floor(expiresAt / 2 ** 32), 0)
    plaintext.writeUInt32BE(expiresAt % 2 ** 32, 4)
    plaintext.write(data, EXPIRY_LENGTH)
    const nonce = this.#nextNonce()
    const cipher = this.#aead.cipher(nonce).setAAD(this.#additional)
    return Buffer.concat([this.#hint, nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  }

  /** `null`: another seal's, or altered. */
  open(sealed: Buffer): Entry | null {
    if (sealed.readUInt32BE() !== this.#hintNumber) return null
    const tagStart = sealed.length - TAG_LENGTH
    sealed.copy(this.#nonce, 0, HINT_LENGTH)
    sealed.copy(this.#tag, 0, tagStart)
    const decipher = this.#aead.decipher(this.#nonce).setAAD(this.#additional).setAuthTag(this.#tag)
    const plaintext = decipher.update(sealed.subarray(NONCE_END, tagStart))
    try {
      decipher.final()
    } catch {
      return null
    }
    return {
      data: plaintext.toString('utf8', EXPIRY_LENGTH),
      expiresAt: plaintext.readUInt32BE(0) * 2 ** 32 + plaintext.readUInt32BE(4),
    }
  }

  #nextNonce(): Buffer {
    if (this.#nonceStart === this.#nonces.length) {
      randomFillSync(this.#nonces)
      this.#nonceStart = 0
    }
    const end = this.#nonceStart + NONCE_LENGTH
    const nonce = this.#nonces.subarray(this.#nonceStart, end)
    this.#nonceStart = end
    return nonce
  }
}
