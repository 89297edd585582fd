import { createHash } from 'node:crypto'
import type { FormerData, FormerSession } from '@sess/core/adapter'

/**
 * A session that its cookie carries as a whole. It is in no store, so nothing can end it but its expiry: a copy of the
 * cookie is genuine until then.
 */
export class SealedSession implements FormerSession {
  readonly #cookie: string
  readonly #data: FormerData

  /** `cookie`: a text that only one cookie has, in all its spellings. */
  constructor(cookie: string, data: FormerData) {
    this.#cookie = cookie
    this.#data = data
  }

  get id(): string {
    return createHash('sha256').update(this.#cookie).digest('base64url')
  }

  async read(now: number): Promise<FormerData | undefined> {
    const { expiresAt } = this.#data
    return expiresAt !== undefined && expiresAt <= now ? undefined : this.#data
  }

  async end(): Promise<void> {}
}
