import { hkdfSync } from 'node:crypto'

/** The keys of one application: for each purpose, one key derived from each secret (HKDF-SHA-256, RFC 5869). */
export class Keyring {
  readonly #secrets: readonly string[]
  readonly #derived = new Map<string, readonly Uint8Array[]>()

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets
  }

  /** One key of 32 bytes for each secret, newest first. */
  keys(purpose: string): readonly Uint8Array[] {
    let keys = this.#derived.get(purpose)
    if (keys === undefined) {
      keys = this.#secrets.map((secret) => new Uint8Array(hkdfSync('sha256', secret, '', `sess/1/${purpose}`, 32)))
      this.#derived.set(purpose, keys)
    }
    return keys
  }
}
