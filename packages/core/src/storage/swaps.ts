import type { Entry } from '../contract.js'
import { SessError } from '../error.js'
import { apply } from './apply.js'
import type { SessionEntries, Snapshot } from './entries.js'
import type { Commit, StorageContext } from './loaded-session.js'
import type { SessionRecord } from './record.js'
import { retry } from './retry.js'

/** One request's changes, on their way into the store. */
interface Swap {
  readonly commit: Commit
  readonly now: number
  readonly resolve: (snapshot: Snapshot) => void
  readonly reject: (error: unknown) => void
}

/** The state that a batch of changes is first applied to. */
interface Basis {
  readonly snapshot: Snapshot
  /** It is at least as new as what each of the requests has read. */
  readonly isTrusted: boolean
}

/**
 * Compare-and-swap of sessions, gathered: while one swap of a session is under way, this process's other changes to that
 * session wait, and go together in the next one. Each is judged on its own.
 */
export class Swaps {
  readonly #entries: SessionEntries
  readonly #context: StorageContext
  /** By the session's key, which is never the name of a method. An object and no Map: `CallsInFlight` says why. */
  readonly #waiting: Record<string, Swap[]> = {}

  constructor(entries: SessionEntries, context: StorageContext) {
    this.#entries = entries
    this.#context = context
  }

  /** Resolves with what was stored. `from` is what the request last read, perhaps long ago. */
  change(key: string, from: Snapshot, commit: Commit, now: number): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      const swap = { commit, now, resolve, reject }
      const waiting = this.#waiting[key]
      if (waiting) waiting.push(swap)
      else void this.#run(key, from, [swap])
    })
  }

  /** Never rejects: each swap is told its own outcome. */
  async #run(key: string, from: Snapshot, waiting: Swap[]): Promise<void> {
    this.#waiting[key] = waiting
    let newest = from
    // For the next batch, what was stored here may be older than what its requests have read.
    let isTrusted = true
    while (waiting.length > 0) {
      const batch = waiting.splice(0)
      try {
        newest = await this.#swap(key, { snapshot: newest, isTrusted }, batch)
      } catch (error) {
        for (const swap of batch) swap.reject(error)
      }
      isTrusted = false
    }
    Reflect.deleteProperty(this.#waiting, key)
  }

  /**
   * Each attempt judges the whole batch again, by the newest state of the session. If every change is refused, no swap
   * proves that the state was the newest; a state that is not trusted is then read again.
   */
  async #swap(key: string, from: Basis, batch: readonly Swap[]): Promise<Snapshot> {
    const stored = this.#entries.isAlive(from.snapshot) ? await this.#attempt(key, from, batch) : undefined
    return (
      stored ?? retry(async () => this.#attempt(key, { snapshot: await this.#reread(key), isTrusted: true }, batch))
    )
  }

  /** Resolves with `undefined` if the state was not the newest; then no swap was told anything. */
  async #attempt(key: string, { snapshot, isTrusted }: Basis, batch: readonly Swap[]): Promise<Snapshot | undefined> {
    const { record, entry, refused } = this.#judge(snapshot.record, batch)
    let stored = isTrusted ? snapshot : undefined
    if (entry !== undefined) {
      const version = await this.#entries.swap(key, entry, snapshot.version)
      stored = version === null ? undefined : { version, record }
    }
    if (stored === undefined) return undefined
    for (const swap of batch) {
      if (refused.has(swap)) swap.reject(refused.get(swap))
      else swap.resolve(stored)
    }
    return stored
  }

  /** Applies the changes one after the other; a change that is refused leaves the others as they are. */
  #judge(
    newest: SessionRecord,
    batch: readonly Swap[],
  ): { record: SessionRecord; entry?: Entry; refused: Map<Swap, unknown> } {
    let record = newest
    let entry: Entry | undefined
    const refused = new Map<Swap, unknown>()
    for (const swap of batch) {
      try {
        const next = apply(record, swap.commit, swap.now, this.#context)
        entry = this.#entries.encode(next)
        record = next
      } catch (error) {
        refused.set(swap, error)
      }
    }
    return { record, refused, ...(entry && { entry }) }
  }

  async #reread(key: string): Promise<Snapshot> {
    const found = await this.#entries.read(key)
    if (found === 'none') throw ended()
    if (found === 'moved') throw moved()
    return found
  }
}

export function ended(): SessError {
  return new SessError(
    'CONFLICT',
    'The session ended, by logout or expiry, while this request was changing it. Its changes were not stored.',
  )
}

export function moved(): SessError {
  return new SessError(
    'CONFLICT',
    'The session moved to a new token, by a login in another request, and this request still holds the old one. ' +
      'Nothing was stored or ended; try the request again with the new cookie.',
  )
}
