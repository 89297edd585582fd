import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32

/**
 * HMAC-SHA-256 (RFC 2104) of a fixed prefix followed by a message of a fixed length. Each request with a cookie needs
 * one. Two one-shot hashes over prepared blocks take less than half the time of `createHmac`.
 */
export class Hmac {
  /** The input of the inner hash: the key's block, the prefix, the message. */
  readonly #inner: Buffer
  /** The input of the outer hash: the key's other block, the inner digest. */
  readonly #outer: Buffer
  readonly #messageStart: number
  readonly #digest: Buffer

  /** The digest is truncated to `digestBytes`, at most 32 (RFC 2104, 5). */
  constructor(key: Uint8Array, prefix: string, messageBytes: number, digestBytes: number = DIGEST_BYTES) {
    const block = Buffer.alloc(BLOCK_BYTES)
    block.set(key.length > BLOCK_BYTES ? hash('sha256', key, 'buffer') : key)
    const start = Buffer.concat([block.map((byte) => byte ^ 0x36), Buffer.from(prefix)])
    this.#messageStart = start.length
    this.#inner = Buffer.concat([start], start.length + messageBytes)
    this.#digest = Buffer.alloc(digestBytes)
    this.#outer = Buffer.concat([block.map((byte) => byte ^ 0x5c)], BLOCK_BYTES + DIGEST_BYTES)
  }

  /**
   * Returns the same buffer at each call, with the new digest in it: allocating a buffer takes longer than hashing. For
   * the same reason, the inner digest is passed on as a binary string.
   */
  digest(message: Uint8Array): Buffer {
    this.#inner.set(message, this.#messageStart)
    this.#outer.write(hash('sha256', this.#inner, 'binary'), BLOCK_BYTES, 'binary')
    this.#digest.write(hash('sha256', this.#outer, 'binary'), 'binary')
    return this.#digest
  }
}
