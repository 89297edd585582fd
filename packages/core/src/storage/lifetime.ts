import { MAX_TIME } from '../options/duration.js'
import type { SessionRecord } from './record.js'

/**
 * When a session ends (OWASP ASVS 5.0, 7.3): after `idle` milliseconds without use, and after `absolute` milliseconds
 * even if it is in use. The end is computed from the stamps inside the entry and the reader's own timeouts. So a
 * shortened timeout applies to existing sessions at once, and a replayed cookie ends when the original does.
 */
export class Lifetime {
  readonly #idle: number
  readonly #absolute: number

  constructor(idle: number, absolute: number) {
    this.#idle = idle
    this.#absolute = absolute
  }

  isAlive(record: SessionRecord, now: number): boolean {
    return now < this.expiresAt(record)
  }

  expiresAt(record: SessionRecord): number {
    return this.#expiresAt(record, record.touchedAt)
  }

  /**
   * When the store may drop the session. It never becomes earlier, because another slice may have longer timeouts, or
   * this one may have had longer ones before.
   */
  keepUntil(record: SessionRecord): number {
    return Math.max(this.expiresAt(record), record.keptUntil)
  }

  /**
   * Extension costs a write, so it is due at most once per twentieth of the idle timeout, and only if it makes the
   * session live longer: longer than by its stamps, or longer than the expiry that a slice with shorter timeouts has
   * set.
   */
  isExtensionDue(record: SessionRecord, now: number): boolean {
    const least = this.#idle / 20
    const extended = this.#expiresAt(record, now)
    if (now - record.touchedAt >= least && extended > this.expiresAt(record)) return true
    return record.keptUntil > 0 && extended - record.keptUntil >= least
  }

  extend(record: SessionRecord, now: number): SessionRecord {
    return this.isExtensionDue(record, now) ? { ...record, touchedAt: now } : record
  }

  #expiresAt({ startedAt }: SessionRecord, touchedAt: number): number {
    return Math.min(touchedAt + this.#idle, startedAt + this.#absolute, MAX_TIME)
  }
}
