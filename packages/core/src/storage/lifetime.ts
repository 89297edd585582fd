import { MAX_TIME } from '../options/duration.js'
import { isRemembered, maxAgeOf, type SessionRecord } from './record.js'

/** How long a session lives, in milliseconds. */
export interface Timeouts {
  readonly idle: number
  readonly absolute: number
}

/**
 * When a session ends (OWASP ASVS 5.0, 7.3): after `idle` milliseconds without use, and after `absolute` milliseconds
 * even if it is in use. The end is computed from the stamps inside the entry and the reader's own timeouts. So a
 * shortened timeout applies to existing sessions at once, and a replayed cookie ends when the original does.
 */
export class Lifetime {
  readonly #plain: Timeouts
  readonly #remembered: Timeouts | undefined

  /** `remembered`: the timeouts of sessions that are to be remembered. `undefined`: they have none of their own. */
  constructor(plain: Timeouts, remembered?: Timeouts) {
    this.#plain = plain
    this.#remembered = remembered
  }

  /** Whether a session can be remembered. */
  get remembers(): boolean {
    return this.#remembered !== undefined
  }

  /** The longest idle timeout of a session, in milliseconds. */
  get longestIdle(): number {
    return Math.max(this.#plain.idle, this.#remembered?.idle ?? 0)
  }

  /** The idle timeout of the session, in milliseconds. */
  idleOf(record: SessionRecord): number {
    return this.#of(record).idle
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

  /** Until when the browser is to keep the cookie. A session with a timeout of its own has the same one everywhere. */
  sentUntil(record: SessionRecord): number {
    return maxAgeOf(record) === undefined ? this.keepUntil(record) : this.expiresAt(record)
  }

  /**
   * Until when the session is in its owner's list: longer than its entry is kept, so that not each extension has to extend
   * the listing.
   */
  listUntil(record: SessionRecord): number {
    return this.keepUntil(record) + this.idleOf(record)
  }

  /**
   * Extension costs a write, so it is due at most once per twentieth of the idle timeout, and only if it makes the
   * session live longer: longer than by its stamps, or longer than the expiry that a slice with shorter timeouts has
   * set.
   */
  isExtensionDue(record: SessionRecord, now: number): boolean {
    const least = this.#of(record).idle / 20
    const extended = this.#expiresAt(record, now)
    if (now - record.touchedAt >= least && extended > this.expiresAt(record)) return true
    return record.keptUntil > 0 && extended - record.keptUntil >= least
  }

  extend(record: SessionRecord, now: number): SessionRecord {
    return this.isExtensionDue(record, now) ? { ...record, touchedAt: now } : record
  }

  #expiresAt(record: SessionRecord, touchedAt: number): number {
    const { idle, absolute } = this.#of(record)
    return Math.min(touchedAt + idle, record.startedAt + absolute, MAX_TIME)
  }

  #of(record: SessionRecord): Timeouts {
    const timeouts = this.#remembered !== undefined && isRemembered(record) ? this.#remembered : this.#plain
    const idle = maxAgeOf(record)
    return idle === undefined ? timeouts : { idle, absolute: timeouts.absolute }
  }
}
