import { type Entry, fillRandom } from '@sess/core/adapter'
import { type Envelope, EXPIRY_LENGTH } from './envelope.js'
import { Nonce, NONCE_LENGTH, Xaes256Gcm } from './xaes.js'

/** Seals and opens tokens with one secret for one cookie name. It does not open tokens of another secret or cookie. */
export class Seal {
  readonly #aead: Xaes256Gcm
  readonly #hint: Buffer
  readonly #hintNumber: number
  readonly #additional: Buffer
  /** The nonce of the entry that is being sealed. */
  readonly #nonceBytes = Buffer.alloc(NONCE_LENGTH)
  readonly #nonce = new Nonce(this.#nonceBytes)

  /**
   * `hint` identifies the key in each token, so that `open` decrypts with one key only, however many secrets there are.
   */
  constructor(key: Uint8Array, hint: Buffer, cookieName: string) {
    this.#aead = new Xaes256Gcm(key)
    this.#hint = hint
    this.#hintNumber = hint.readUInt32BE()
    this.#additional = Buffer.concat([Buffer.from('sess/cookie/1/'), hint, Buffer.from(cookieName)])
  }

  /** Returns a token. */
  seal({ data, expiresAt }: Entry): string {
    const plaintext = Buffer.allocUnsafe(EXPIRY_LENGTH + Buffer.byteLength(data))
    plaintext.writeUInt32BE(Math.floor(expiresAt / 2 ** 32), 0)
    plaintext.writeUInt32BE(expiresAt % 2 ** 32, 4)
    plaintext.write(data, EXPIRY_LENGTH)
    fillRandom(this.#nonceBytes)
    const cipher = this.#aead.cipher(this.#nonce).setAAD(this.#additional)
    const parts = [this.#hint, this.#nonceBytes, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]
    return Buffer.concat(parts).toString('base64url')
  }

  /** Returns the entry. `null`: another key sealed the token, or it was altered. */
  open(envelope: Envelope): Entry | null {
    if (envelope.hint !== this.#hintNumber) return null
    const decipher = this.#aead.decipher(envelope.nonce).setAAD(this.#additional).setAuthTag(envelope.tag)
    const plaintext = decipher.update(envelope.ciphertext)
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
}
