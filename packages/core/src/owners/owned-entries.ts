import { isSessError } from '../error.js'
import type { EndReason } from '../observing/messages.js'
import type { Observer } from '../observing/observer.js'
import { type Found, isSnapshot, isTombstone, type SessionEntries } from '../storage/entries.js'
import type { SessionRecord } from '../storage/record.js'
import { retryUrgently } from '../storage/retry.js'
import type { TimeLimit } from '../storage/time-limit.js'

/** A session, and the key that it is stored under. */
export interface Owned {
  readonly key: string
  readonly record: SessionRecord
}

/** The entries of sessions that may have moved since they were listed: found, and ended, by a key that they once had. */
export class OwnedEntries {
  readonly #entries: SessionEntries
  readonly #observer: Observer

  constructor(entries: SessionEntries, observer: Observer) {
    this.#entries = entries
    this.#observer = observer
  }

  limit(): TimeLimit {
    return this.#entries.limit()
  }

  /** What is stored under a key. What is not a session opens nothing, so it is as good as nothing. */
  async read(key: string, limit: TimeLimit): Promise<Found> {
    try {
      return await this.#entries.read(key, limit)
    } catch (error) {
      if (isSessError(error) && error.code === 'CORRUPT') return 'none'
      throw error
    }
  }

  /**
   * The session that is stored under a key, or that moved from there. However often it has moved: each move takes more calls
   * than it takes to follow it, so a session that never stops is caught up with.
   */
  async follow(key: string, limit: TimeLimit): Promise<Owned | undefined> {
    let at: string | undefined = key
    while (at !== undefined) {
      const found: Found = await this.read(at, limit)
      if (isSnapshot(found)) return { key: at, record: found.record }
      at = isTombstone(found) ? found.moved?.to : undefined
    }
    return undefined
  }

  /** Ends the session under a key, wherever and however often it has moved. Resolves with 1 if it was alive, else with 0. */
  async end(key: string, reason: EndReason): Promise<0 | 1> {
    let at: string | undefined = key
    while (at !== undefined) {
      const outcome: 'ended' | 'none' | { readonly to: string } = await this.#endAt(at, reason)
      if (outcome === 'ended') return 1
      at = outcome === 'none' ? undefined : outcome.to
    }
    return 0
  }

  #endAt(key: string, reason: EndReason): Promise<'ended' | 'none' | { readonly to: string }> {
    const limit = this.limit()
    return retryUrgently(limit, async () => {
      const found = await this.read(key, limit)
      if (isSnapshot(found)) {
        if (!(await this.#entries.end(key, found, false, limit))) return undefined
        this.#observer.ended(found.record.id, reason)
        return 'ended'
      }
      const to = isTombstone(found) ? found.moved?.to : undefined
      if (to !== undefined) return { to }
      // It has expired by this server's clock, but a server whose clock is behind may still accept it.
      await this.#entries.destroy(key, limit)
      return 'none'
    })
  }
}
