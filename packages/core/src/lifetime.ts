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
    return Math.min(content.touchedAt + this.#idle, content.startedAt + this.#absolute, MAX_TIME)
  }

  /** Extension costs a write, so it is due once per twentieth of the idle timeout, and where it gains anything. */
  isExtensionDue(content: Content, now: number): boolean {
    if (now - content.touchedAt < this.#idle / 20) return false
    return this.expiresAt({ ...content, touchedAt: now }) > this.expiresAt(content)
  }

  extend(content: Content, now: number): Content {
    return this.isExtensionDue(content, now) ? { ...content, touchedAt: now } : content
  }
}
