import { hash, timingSafeEqual } from 'node:crypto'
import { Hmac } from './hmac.js'
import { fillRandom } from './random.js'
import type { Keyring } from './keyring.js'

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
  /** Of the token at hand, its random bytes and its MAC: to make buffers for each takes longer than to hash. */
  readonly #bytes = Buffer.alloc(RANDOM_BYTES + MAC_BYTES)
  readonly #random = this.#bytes.subarray(0, RANDOM_BYTES)
  readonly #mac = this.#bytes.subarray(RANDOM_BYTES)

  constructor(keyring: Keyring, cookieName: string) {
    this.#hmacs = keyring.keys('token').map((key) => new Hmac(key, `1\0${cookieName}\0`, RANDOM_BYTES, MAC_BYTES))
  }

  make(): Token {
    fillRandom(this.#random)
    return this.#sign()
  }

  /** `null`: not a token, or another secret's. */
  verify(text: string): Token | null {
    if (!SHAPE.test(text)) return null
    this.#bytes.write(text, 'base64url')
    const index = this.#hmacs.findIndex((hmac) => timingSafeEqual(hmac.digest(this.#random), this.#mac))
    return index < 0 ? null : this.#token(text, index > 0)
  }

  /** The same session's token, signed with the newest secret. */
  renew(token: Token): Token {
    this.#bytes.write(token.text, 'base64url')
    return this.#sign()
  }

  #sign(): Token {
    const [newest] = this.#hmacs
    if (newest === undefined) throw new TypeError('A keyring holds at least one key.')
    this.#mac.set(newest.digest(this.#random))
    return this.#token(this.#bytes.toString('base64url'), false)
  }

  /** The store's key is a one-way hash of the random bytes. */
  #token(text: string, outdated: boolean): Token {
    return { text, key: hash('sha256', this.#random, 'base64url'), outdated }
  }
}

/** Whether a text has the shape of a token, whoever made it. */
export function looksLikeToken(text: string): boolean {
  return text.length >= 64 && /^[A-Za-z0-9_-]+$/.test(text)
}
