import { hash, timingSafeEqual } from 'node:crypto'
import { Hmac } from './hmac.js'
import { randomBytes } from './random.js'
import type { Keyring } from './secret.js'

const RANDOM_BYTES = 32
const MAC_BYTES = 16
const SHAPE = /^[A-Za-z0-9_-]{64}$/

/** The token of a server store's session, as the browser carries it. */
export interface Token {
  /** 64 characters: 32 random bytes, then the MAC over version, cookie name and those bytes. */
  readonly text: string
  /** What the store knows the session by: a one-way hash of the random bytes. */
  readonly key: string
  /** An older secret made it. */
  readonly outdated: boolean
}

/**
 * Makes and verifies tokens. The MAC keeps applications with different secrets or cookie names apart,
 * and refuses junk before the store is asked. The store's key does not depend on a secret, so that a
 * rotated secret signs the same session anew.
 */
export class TokenMint {
  readonly #hmacs: readonly Hmac[]

  constructor(keyring: Keyring, cookieName: string) {
    this.#hmacs = keyring.keys('token').map((key) => new Hmac(key, `1\0${cookieName}\0`, RANDOM_BYTES))
  }

  make(): Token {
    return this.#sign(randomBytes(RANDOM_BYTES))
  }

  /** `null`: not a token, or another secret's. */
  verify(text: string): Token | null {
    if (!SHAPE.test(text)) return null
    const bytes = Buffer.from(text, 'base64url')
    const random = bytes.subarray(0, RANDOM_BYTES)
    const mac = bytes.subarray(RANDOM_BYTES)
    const index = this.#hmacs.findIndex((hmac) => timingSafeEqual(macOf(random, hmac), mac))
    return index < 0 ? null : { text, key: storeKey(random), outdated: index > 0 }
  }

  /** The same session's token, signed with the newest secret. */
  renew(token: Token): Token {
    return this.#sign(Buffer.from(token.text, 'base64url').subarray(0, RANDOM_BYTES))
  }

  #sign(random: Buffer): Token {
    const [newest] = this.#hmacs
    if (newest === undefined) throw new TypeError('A keyring holds at least one key.')
    const text = Buffer.concat([random, macOf(random, newest)]).toString('base64url')
    return { text, key: storeKey(random), outdated: false }
  }
}

function macOf(random: Uint8Array, hmac: Hmac): Buffer {
  return hmac.digest(random).subarray(0, MAC_BYTES)
}

/** Whether a text has the shape of a token, whoever made it. */
export function looksLikeToken(text: string): boolean {
  return text.length >= 64 && /^[A-Za-z0-9_-]+$/.test(text)
}

function storeKey(random: Uint8Array): string {
  return hash('sha256', random, 'base64url')
}
