import type { ReservedKey } from './session.js'

const RESERVED: ReadonlySet<string> = new Set<ReservedKey>(['update', 'take', 'regenerate', 'destroy', 'save'])

/** Whether a key is the name of a method of every session. */
export function isReserved(key: string): key is ReservedKey {
  return RESERVED.has(key)
}

/**
 * The key under which a session keeps what another library had under `key`: the same, unless it is reserved. Then a tilde is
 * put before it, and so is one before what would look like that.
 */
export function unreserved(key: string): string {
  return isReserved(key.replace(/^~+/, '')) ? `~${key}` : key
}

/** The inverse of `unreserved`. */
export function reserved(key: string): string {
  return key.startsWith('~') && isReserved(key.replace(/^~+/, '')) ? key.slice(1) : key
}
