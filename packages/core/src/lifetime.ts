import type { Content } from './content.js'
import { MAX_TIME } from './duration.js'

/**
 * When a session ends (OWASP ASVS 5.0, 7.3): after `idle` without use, and after `absolute` whatever its
 * use. Decided from the stamps inside the entry, by the limits of whoever asks: a shortened timeout
 * holds at once for the sessions that exist, and a replayed cookie ends when the original would have.
 */
export class Lifetime {
  readonly #idle: number
  readonly #absolute: number

  constructor(idle: number, absolute: number) {
    this.#idle = idle
    this.#absolute = absolute
  }

  isAlive(content: Content, now: number): boolean {
    return now < this.expiresAt(content)
  }

  expiresAt(content: Content): number {
    return this.#expiresAt(content, content.touchedAt)
  }

  /**
   * Until when a store is to keep the session: never for less than it was told before, since another slice, or
   * this one before its timeouts were shortened, may go by it.
   */
  keepUntil(content: Content): number {
    return Math.max(this.expiresAt(content), content.keptUntil)
  }

  /**
   * Extension costs a write, so it is due once per twentieth of the idle timeout, and where it gains anything:
   * over the stamps, or over an expiry that a slice with shorter timeouts has set.
   */
  isExtensionDue(content: Content, now: number): boolean {
    const least = this.#idle / 20
    const extended = this.#expiresAt(content, now)
    if (now - content.touchedAt >= least && extended > this.expiresAt(content)) return true
    return content.keptUntil > 0 && extended - content.keptUntil >= least
  }

  extend(content: Content, now: number): Content {
    return this.isExtensionDue(content, now) ? { ...content, touchedAt: now } : content
  }

  #expiresAt({ startedAt }: Content, touchedAt: number): number {
    return Math.min(touchedAt + this.#idle, startedAt + this.#absolute, MAX_TIME)
  }
}
