import type { Entry } from '../contract.js'
import { SessError } from '../error.js'
import { apply } from './apply.js'
import type { SessionEntries, Snapshot } from './entries.js'
import type { Commit, StorageContext } from './loaded-session.js'
import type { SessionRecord } from './record.js'
import { retry } from './retry.js'

/** One request's changes that wait to be stored. */
interface Swap {
  readonly commit: Commit
  readonly now: number
  readonly resolve: (snapshot: Snapshot) => void
  readonly reject: (error: unknown) => void
}

/** The state that a batch of changes is first applied to. */
interface Basis {
  readonly snapshot: Snapshot
  /** The state is at least as new as what each of the requests has read. */
  readonly isTrusted: boolean
}

/**
 * Compare-and-swap of sessions, batched. While one swap of a session is in flight, this process's other changes to that
 * session wait and are stored together in the next one. Each change is accepted or refused separately.
 */
export class Swaps {
  readonly #entries: SessionEntries
  readonly #context: StorageContext
  /**
   * By the session's key, which is never the name of a method. An object, not a Map, for the reason in `CallsInFlight`.
   */
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

  /** Never rejects: each swap gets its own result. */
  async #run(key: string, from: Snapshot, waiting: Swap[]): Promise<void> {
    this.#waiting[key] = waiting
    let newest = from
    // The state stored here may be older than what the requests of the next batch have read.
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
   * Each attempt applies the whole batch again, to the newest state of the session. If every change is refused, no swap
   * confirms that the state was the newest. A state that is not trusted is then read again.
   */
  async #swap(key: string, from: Basis, batch: readonly Swap[]): Promise<Snapshot> {
    const stored = this.#entries.isAlive(from.snapshot) ? await this.#attempt(key, from, batch) : undefined
    return (
      stored ?? retry(async () => this.#attempt(key, { snapshot: await this.#reread(key), isTrusted: true }, batch))
    )
  }

  /** Resolves with `undefined` if the state was not the newest; no swap has a result then. */
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

  /** Applies the changes one after the other. A refused change does not affect the others. */
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
    'The session ended, by logout or expiry, while this request was changing it. The changes were not stored.',
  )
}

export function moved(): SessError {
  return new SessError(
    'CONFLICT',
    'A login in another request moved the session to a new token, and this request still has the old one. ' +
      'Nothing was stored or ended. Try the request again with the new cookie.',
  )
}
