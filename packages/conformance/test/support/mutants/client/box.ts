import { createCipheriv } from 'node:crypto'
import { type Binding, type Box, NONCE_LENGTH, TAG_LENGTH } from '../../sealed-store.ts'

/** AES-256-CTR, which encrypts and decrypts, and authenticates nothing. */
export function ctr(bytes: Buffer, key: Uint8Array, nonce: Buffer): Buffer {
  return createCipheriv('aes-256-ctr', key, Buffer.concat([nonce, Buffer.alloc(4)])).update(bytes)
}

interface Mac {
  /** At least as many bytes as a tag has. `sealed` is the nonce and the ciphertext. */
  readonly mac: (sealed: Buffer, binding: Binding) => Buffer
  readonly isSame?: (one: Buffer, other: Buffer) => boolean
}

/** AES-256-CTR, and a tag over the nonce and the ciphertext. */
export function macBox({ mac, isSame = (one, other) => one.equals(other) }: Mac): Box {
  const tagOf = (sealed: Buffer, binding: Binding) => mac(sealed, binding).subarray(0, TAG_LENGTH)
  return {
    seal(packed, nonce, binding) {
      const sealed = Buffer.concat([nonce, ctr(packed, binding.key, nonce)])
      return Buffer.concat([sealed, tagOf(sealed, binding)])
    },
    open(bytes, binding) {
      const sealed = bytes.subarray(0, -TAG_LENGTH)
      if (!isSame(tagOf(sealed, binding), bytes.subarray(-TAG_LENGTH))) return undefined
      return ctr(sealed.subarray(NONCE_LENGTH), binding.key, sealed.subarray(0, NONCE_LENGTH))
    },
  }
}
