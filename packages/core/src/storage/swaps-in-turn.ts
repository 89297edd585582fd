import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionEntries, Snapshot } from './entries.js'
import type { Commit, StorageContext } from './loaded-session.js'
import { Queues } from './queues.js'
import { readAgain, Swaps } from './swaps.js'
import type { TimeLimit } from './time-limit.js'

/** With so many turns taken, those that are over are forgotten: a request that was cancelled gives none back. */
const MANY = 1024
const MAX_PAUSE_MS = 32
/** After this time, the others no longer wait for a swap: its request may have been cancelled. */
const LEASE_MS = 250

/**
 * Compare-and-swap of sessions where requests share no I/O, and so cannot be gathered. Each request swaps by itself, and
 * looks by its own timer whether it is its turn. All that requests share are numbers: until when a swap has its turn. Of
 * swaps that begin together, all but one would fail, and then all but one of these. Turns are not needed for safety.
 */
export class SwapsInTurn extends Swaps {
  readonly #entries: SessionEntries
  /** For the key of each session that is being swapped: until when its turn lasts (`performance.now()`). */
  readonly #takenUntil = new Map<string, number>()

  constructor(entries: SessionEntries, context: StorageContext) {
    super(entries, context, new Queues(0))
    this.#entries = entries
  }

  override async change(key: string, from: Snapshot, commit: Commit, now: number, limit: TimeLimit): Promise<Snapshot> {
    const hasWaited = await this.#take(key, limit)
    try {
      const newest = hasWaited ? await readAgain(this.#entries, key, limit) : from
      return await super.change(key, newest, commit, now, limit)
    } finally {
      this.#takenUntil.delete(key)
    }
  }

  /** Resolves with whether another request had its turn before. */
  async #take(key: string, limit: TimeLimit): Promise<boolean> {
    for (let hasWaited = false; ; hasWaited = true) {
      const now = performance.now()
      if ((this.#takenUntil.get(key) ?? 0) <= now) {
        if (this.#takenUntil.size >= MANY) this.#forget(now)
        this.#takenUntil.set(key, now + LEASE_MS)
        return hasWaited
      }
      limit.check()
      await sleep(Math.random() * MAX_PAUSE_MS)
    }
  }

  #forget(now: number): void {
    for (const [key, until] of this.#takenUntil) if (until <= now) this.#takenUntil.delete(key)
  }
}
