import { type Check, text } from '@sess/core/adapter'
import { defaults, unseal } from 'iron-webcrypto'
import { unlessBuilding } from './secrets.js'

/** What the text of a seal says before it is opened. */
export interface IronSeal {
  /** The number of the password; `''` if it has none. */
  readonly password: string
  /** In epoch milliseconds. `undefined`: it never expires. */
  readonly expiresAt: number | undefined
}

/** Prefix, password's number, salt, IV, data, expiry in epoch milliseconds, salt, HMAC: `seal` of iron-webcrypto. */
const SEAL = /^Fe26\.2\*(\d*)\*[0-9a-f]{64}\*[\w-]{22}\*[\w-]+\*([1-9]\d{0,15})?\*[0-9a-f]{64}\*([\w-]{43})$/

/** The check of a password. `library` is whose it is. */
export function ironPassword(library: string): Check<string> {
  return unlessBuilding(
    text({ pattern: /^.{32,}$/s, expected: `a password of ${library}, a string of at least 32 characters` }),
  )
}

/** `undefined`: the text is not a seal, or not spelt as seals are. */
export function parseSeal(seal: string): IronSeal | undefined {
  const [match, password = '', expiry, mac = ''] = SEAL.exec(seal) ?? []
  if (match === undefined || !isCanonical(mac)) return undefined
  return { password, expiresAt: expiry === undefined ? undefined : Number(expiry) }
}

/** The JSON in a seal. `undefined`: the seal is not genuine. Its expiry is not looked at: who reads it knows the time. */
export async function unsealed(seal: string, password: string): Promise<string | undefined> {
  try {
    const settings = { ...defaults, timestampSkewSec: Infinity, decode: (json: string): string => json }
    const content = await unseal(seal, password, settings)
    return typeof content === 'string' ? content : undefined
  } catch {
    return undefined
  }
}

/** Whether this is how base64url spells the bytes: its last character has bits that decoders ignore. */
function isCanonical(base64url: string): boolean {
  return Buffer.from(base64url, 'base64url').toString('base64url') === base64url
}
