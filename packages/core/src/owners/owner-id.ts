import { createHmac } from 'node:crypto'
import type { Keyring } from '../crypto/keyring.js'
import { SessError } from '../error.js'
import { describe } from '../options/check.js'
import { valueAt, type Json, type Values } from '../session/values.js'

/** The value of the owner's key. `1` and `'1'` are two owners. */
export type OwnerId = string | number

/** Reads the owner of a session from its values, and names the rosters of an owner. */
export class OwnerKey {
  /** The key of the session that holds its owner. */
  readonly name: string
  readonly #cookieName: string
  readonly #keys: readonly Uint8Array[]

  constructor(name: string, keyring: Keyring, cookieName: string) {
    this.name = name
    this.#cookieName = cookieName
    this.#keys = keyring.keys('owner')
  }

  /** `undefined`: the session is nobody's. */
  ownerOf(values: Values): OwnerId | undefined {
    const value = valueAt(values, this.name)
    return isOwnerId(value) ? value : undefined
  }

  /** As `ownerOf`, of a value that the application has assigned. Throws `INVALID_VALUE`. */
  read(value: Json | undefined): OwnerId | undefined {
    if (value === undefined || value === null || isOwnerId(value)) return value ?? undefined
    throw new SessError(
      'INVALID_VALUE',
      `session[${JSON.stringify(this.name)}] is ${describe(value)}; it is the key of the option \`owner\`, so it holds the user's id, ` +
        "a number or a string that is not empty. Remove the key if the session is nobody's.",
    )
  }

  /**
   * The keys of an owner's first roster in the store, one for each secret, newest first: a one-way hash, so the store learns
   * no user's id. No token has a key that begins like these.
   */
  rosterKeys(owner: OwnerId): readonly string[] {
    const message = JSON.stringify([1, this.#cookieName, owner])
    return this.#keys.map((key) => `o${createHmac('sha256', key).update(message).digest('base64url')}`)
  }

  /** The one of the newest secret. */
  newestRosterKey(owner: OwnerId): string {
    const [newest] = this.rosterKeys(owner)
    if (newest === undefined) throw new TypeError('A keyring has at least one key.')
    return newest
  }
}

export function isOwnerId(value: unknown): value is OwnerId {
  return typeof value === 'number' ? Number.isFinite(value) : typeof value === 'string' && value !== ''
}
