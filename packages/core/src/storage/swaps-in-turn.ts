import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionEntries, Snapshot } from './entries.js'
import type { Commit, StorageContext } from './loaded-session.js'
import { Queues } from './queues.js'
import { readAgain, Swaps } from './swaps.js'
import type { TimeLimit } from './time-limit.js'

/** Sessions in one place wait for each other. With so many places, few do. */
const PLACES = 1024
const MAX_PAUSE_MS = 32
/** After this time, the others no longer wait for a swap: its request may have been cancelled. */
const LEASE_MS = 250

/**
 * Compare-and-swap of sessions where requests share no I/O, and so cannot be gathered. Each request swaps by itself, and
 * looks by its own timer whether it is its turn. All that requests share is a number: until when a swap has its turn. Of
 * swaps that begin together, all but one would fail, and then all but one of these. Turns are not needed for safety.
 */
export class SwapsInTurn extends Swaps {
  readonly #entries: SessionEntries
  readonly #takenUntil = new Float64Array(PLACES)

  constructor(entries: SessionEntries, context: StorageContext) {
    super(entries, context, new Queues(0))
    this.#entries = entries
  }

  override async change(key: string, from: Snapshot, commit: Commit, now: number, limit: TimeLimit): Promise<Snapshot> {
    const place = placeOf(key)
    const hasWaited = await this.#take(place, limit)
    try {
      const newest = hasWaited ? await readAgain(this.#entries, key, limit) : from
      return await super.change(key, newest, commit, now, limit)
    } finally {
      this.#takenUntil[place] = 0
    }
  }

  /** Resolves with whether another request had its turn before. */
  async #take(place: number, limit: TimeLimit): Promise<boolean> {
    for (let hasWaited = false; ; hasWaited = true) {
      const now = performance.now()
      if ((this.#takenUntil[place] ?? 0) <= now) {
        this.#takenUntil[place] = now + LEASE_MS
        return hasWaited
      }
      limit.check()
      await sleep(Math.random() * MAX_PAUSE_MS)
    }
  }
}

/** Keys are random, so any two characters spread them. */
function placeOf(key: string): number {
  return (key.charCodeAt(0) * 31 + key.charCodeAt(1)) % PLACES
}
