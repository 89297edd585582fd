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
  /** The session's key in the store: a one-way hash of the random bytes. */
  readonly key: string
  /** The token was made with an older secret. */
  readonly outdated: boolean
}

/**
 * Makes and verifies tokens. The MAC separates applications with different secrets or cookie names, and junk is
 * rejected without asking the store. The session's key does not depend on a secret: after a rotation, a token of the
 * same session is signed with the new secret.
 */
export class TokenMint {
  readonly #hmacs: readonly Hmac[]
  /**
   * The random bytes and the MAC of the current token. Reused, because allocating buffers takes longer than hashing.
   */
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

  /** The token with these random bytes. */
  of(random: Uint8Array): Token {
    this.#random.set(random)
    return this.#sign()
  }

  /** `null`: not a token, or made with another secret. */
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
    if (newest === undefined) throw new TypeError('A keyring has at least one key.')
    this.#mac.set(newest.digest(this.#random))
    return this.#token(this.#bytes.toString('base64url'), false)
  }

  #token(text: string, outdated: boolean): Token {
    return { text, key: hash('sha256', this.#random, 'base64url'), outdated }
  }
}

/** Whether a text has the shape of a token, of this application or of another one. */
export function looksLikeToken(text: string): boolean {
  return text.length >= 64 && /^[A-Za-z0-9_-]+$/.test(text)
}
