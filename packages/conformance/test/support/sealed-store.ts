import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { type Adapter, type Entry, readOptions } from '@sess/core/adapter'

export const NONCE_LENGTH = 12
const TAG_LENGTH = 16
export const EXPIRY_LENGTH = 8
const OVERHEAD = NONCE_LENGTH + EXPIRY_LENGTH + TAG_LENGTH

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
  readonly isOutdated: (isNewest: boolean) => boolean
  /** How many bytes of the tag are checked. */
  readonly checked: number
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
  isOutdated: (isNewest) => !isNewest,
  checked: TAG_LENGTH,
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
        const nonce = parts.nonce(entry)
        const cipher = createCipheriv('aes-256-gcm', newest, nonce).setAAD(additional)
        const sealed = [nonce, cipher.update(parts.pack(entry)), cipher.final(), cipher.getAuthTag()]
        return parts.encode(Buffer.concat(sealed))
      },
      open(token) {
        const sealed = parts.decode(token)
        if (sealed === undefined || sealed.length < OVERHEAD) return null
        for (const key of keys) {
          const packed = unseal(sealed, key, { additional, checked: parts.checked })
          if (packed) return { ...parts.unpack(packed), outdated: parts.isOutdated(key === newest) }
        }
        return null
      },
    }
  }
}

interface Binding {
  readonly additional: Buffer
  readonly checked: number
}

function unseal(sealed: Buffer, key: Uint8Array, { additional, checked }: Binding): Buffer | undefined {
  const tagStart = sealed.length - TAG_LENGTH
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_LENGTH), { authTagLength: checked })
  decipher.setAAD(additional).setAuthTag(sealed.subarray(tagStart, tagStart + checked))
  const packed = decipher.update(sealed.subarray(NONCE_LENGTH, tagStart))
  try {
    decipher.final()
    return packed
  } catch {
    return undefined
  }
}
