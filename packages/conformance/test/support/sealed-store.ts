import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { type Adapter, type Entry, readOptions } from '@sess/core/adapter'

export const NONCE_LENGTH = 12
export const TAG_LENGTH = 16
export const EXPIRY_LENGTH = 8
export const OVERHEAD = NONCE_LENGTH + EXPIRY_LENGTH + TAG_LENGTH

/** What a token is bound to. */
export interface Binding {
  readonly key: Uint8Array
  readonly additional: Buffer
}

/** Authenticated encryption. A sealed text is nonce, ciphertext and tag. */
export interface Box {
  seal(packed: Buffer, nonce: Buffer, binding: Binding): Buffer
  /** `undefined`: the bytes were altered, or sealed for something else. There are at least `OVERHEAD` bytes. */
  open(sealed: Buffer, binding: Binding): Buffer | undefined
}

/** The parts of a sealed store. A mutant replaces some of them. */
export interface Parts {
  readonly nonce: (entry: Entry) => Buffer
  readonly pack: (entry: Entry) => Buffer
  readonly unpack: (bytes: Buffer) => Entry
  readonly encode: (bytes: Buffer) => string
  /** `undefined`: the string is not a token. */
  readonly decode: (token: string) => Buffer | undefined
  /** What a token is bound to, in addition to its key. */
  readonly additional: (cookieName: string) => string
  /** Selects the keys to use from the keys of all secrets, newest first. */
  readonly keys: (all: readonly Uint8Array[]) => readonly Uint8Array[]
  /** Whether a token is outdated that the key at this index of `keys` opened. */
  readonly isOutdated: (index: number, keys: readonly Uint8Array[]) => boolean
  readonly box: Box
  readonly maxBytes: (maxValueLength: number) => number
}

export const correctParts: Parts = {
  nonce: () => randomBytes(NONCE_LENGTH),
  pack({ data, expiresAt }) {
    const expiry = Buffer.alloc(EXPIRY_LENGTH)
    expiry.writeBigUInt64BE(BigInt(expiresAt))
    return Buffer.concat([expiry, Buffer.from(data)])
  },
  unpack: (bytes) => ({ data: bytes.toString('utf8', EXPIRY_LENGTH), expiresAt: Number(bytes.readBigUInt64BE()) }),
  encode: (bytes) => bytes.toString('base64url'),
  decode(token) {
    const bytes = Buffer.from(token, 'base64url')
    return bytes.toString('base64url') === token ? bytes : undefined
  },
  additional: (cookieName) => cookieName,
  keys: (all) => all,
  isOutdated: (index) => index > 0,
  box: gcm(TAG_LENGTH),
  maxBytes: (maxValueLength) => Math.floor((maxValueLength * 3) / 4) - OVERHEAD,
}

/** A client store on AES-256-GCM: nonce, ciphertext and tag in base64url. It keeps the contract if its parts do. */
export function sealedAdapter(parts: Parts): Adapter {
  return (options, context) => {
    readOptions('sealed', options, {})
    const keys = parts.keys(context.keys('sealed'))
    const [newest] = keys
    if (newest === undefined) throw new TypeError('there is no key')
    const additional = Buffer.from(parts.additional(context.cookie.name))
    return {
      contract: 1,
      kind: 'client',
      name: 'sealed',
      maxBytes: parts.maxBytes(context.cookie.maxValueLength),
      seal(entry) {
        return parts.encode(parts.box.seal(parts.pack(entry), parts.nonce(entry), { key: newest, additional }))
      },
      open(token) {
        const sealed = parts.decode(token)
        if (sealed === undefined || sealed.length < OVERHEAD) return null
        for (const [index, key] of keys.entries()) {
          const packed = parts.box.open(sealed, { key, additional })
          if (packed) return { ...parts.unpack(packed), outdated: parts.isOutdated(index, keys) }
        }
        return null
      },
    }
  }
}

/** AES-256-GCM. `checked`: how many bytes of the tag are checked. */
export function gcm(checked: number): Box {
  return {
    seal(packed, nonce, { key, additional }) {
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additional)
      return Buffer.concat([nonce, cipher.update(packed), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, { key, additional }) {
      const tagStart = sealed.length - TAG_LENGTH
      const nonce = sealed.subarray(0, NONCE_LENGTH)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: checked })
      decipher.setAAD(additional).setAuthTag(sealed.subarray(tagStart, tagStart + checked))
      const packed = decipher.update(sealed.subarray(NONCE_LENGTH, tagStart))
      try {
        decipher.final()
        return packed
      } catch {
        return undefined
      }
    },
  }
}
