import { Nonce, NONCE_LENGTH, TAG_LENGTH } from './xaes.js'

// hint ‖ nonce ‖ ciphertext ‖ tag, where the plaintext is expiresAt (8 bytes, big-endian) ‖ data
export const HINT_LENGTH = 4
const NONCE_END = HINT_LENGTH + NONCE_LENGTH
export const EXPIRY_LENGTH = 8

/** How many bytes longer than its data a sealed entry is. */
export const OVERHEAD: number = NONCE_END + EXPIRY_LENGTH + TAG_LENGTH

/**
 * The parts of a token, one token at a time. Its nonce is used where it lies: to cut it out of each token and copy it takes
 * a twentieth of a request that reads.
 */
export class Envelope {
  readonly nonce: Nonce
  readonly #bytes: Buffer
  #length = 0

  constructor(maxLength: number) {
    this.#bytes = Buffer.alloc(maxLength)
    this.nonce = new Nonce(this.#bytes.subarray(HINT_LENGTH, NONCE_END))
  }

  /** Whether there is a token in it now. Of a longer one than it has room for, there is none. */
  take(token: string): boolean {
    this.#length = this.#bytes.write(token, 'base64url')
    // The decoder takes padding, blanks, spare bits and another alphabet; a token has one spelling.
    return this.#length >= OVERHEAD && this.#bytes.toString('base64url', 0, this.#length) === token
  }

  get hint(): number {
    return this.#bytes.readUInt32BE()
  }

  get ciphertext(): Buffer {
    return this.#bytes.subarray(NONCE_END, this.#length - TAG_LENGTH)
  }

  get tag(): Buffer {
    return this.#bytes.subarray(this.#length - TAG_LENGTH, this.#length)
  }
}
