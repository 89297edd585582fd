import type { Entry } from '../contract.js'
import { SessError } from '../error.js'
import type { Values } from '../session/values.js'
import { apply } from './apply.js'
import { isTombstone, type SessionEntries, type Snapshot } from './entries.js'
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

/** How a session left its key. It never comes back under it. */
export type Departure = 'ended' | 'moved'

/**
 * A login or a logout. It gets the session as last stored here, or how the session left its key if another request of
 * this process was first. It resolves with how the session has left its key.
 */
export type Depart = (newest: Snapshot | Departure) => Promise<Departure>

/** What the requests of this process want to do to one session. */
interface Queue {
  readonly departures: ((newest: Snapshot | Departure) => Promise<Departure | undefined>)[]
  readonly swaps: Swap[]
}

/** The state that a batch of changes is first applied to. */
interface Basis {
  readonly snapshot: Snapshot
  /** It is at least as new as what each of the requests has read. */
  readonly isTrusted: boolean
}

/**
 * Compare-and-swap of sessions, gathered: while one swap of a session is under way, this process's other changes to that
 * session wait and then go together in the next swap. Each is judged on its own. Logins and logouts wait in the same
 * queue and go first, so that changes do not starve them.
 */
export class Swaps {
  readonly #entries: SessionEntries
  readonly #context: StorageContext
  /** Keyed by the session's key, which is never the name of a method. `CallsInFlight` says why this is not a Map. */
  readonly #queues: Record<string, Queue> = {}

  constructor(entries: SessionEntries, context: StorageContext) {
    this.#entries = entries
    this.#context = context
  }

  /** Resolves with what was stored, and the request's own turn in it. `from` is what the request last read, perhaps long ago. */
  change(key: string, from: Snapshot, commit: Commit, now: number): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      const { queue, isNew } = this.#queueOf(key)
      queue.swaps.push({ commit, now, resolve, reject })
      if (isNew) void this.#run(key, from, queue)
    })
  }

  /** Runs a login or a logout. Settles as it does. */
  depart(key: string, from: Snapshot, depart: Depart): Promise<Departure> {
    return new Promise((resolve) => {
      const { queue, isNew } = this.#queueOf(key)
      queue.departures.push((newest) => {
        const departing = depart(newest)
        resolve(departing)
        return departing.catch(() => undefined)
      })
      if (isNew) void this.#run(key, from, queue)
    })
  }

  #queueOf(key: string): { queue: Queue; isNew: boolean } {
    const existing = this.#queues[key]
    if (existing) return { queue: existing, isNew: false }
    const queue = { departures: [], swaps: [] }
    this.#queues[key] = queue
    return { queue, isNew: true }
  }

  /** Never rejects: each request is told its own outcome. */
  async #run(key: string, from: Snapshot, { departures, swaps }: Queue): Promise<void> {
    let newest = from
    // For the next batch, what was stored here may be older than what its requests have read.
    let isTrusted = true
    while (departures.length + swaps.length > 0) {
      const depart = departures.shift()
      if (depart === undefined) {
        const batch = swaps.splice(0)
        try {
          newest = await this.#swap(key, { snapshot: newest, isTrusted }, batch)
        } catch (error) {
          for (const swap of batch) swap.reject(error)
        }
      } else {
        const departure = await depart(newest)
        if (departure !== undefined) {
          // No later request finds the session under this key, so those that waited need not ask the store.
          Reflect.deleteProperty(this.#queues, key)
          for (const swap of swaps) swap.reject(departure === 'ended' ? ended() : moved())
          await Promise.all(departures.map((later) => later(departure)))
          return
        }
      }
      isTrusted = false
    }
    Reflect.deleteProperty(this.#queues, key)
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
    const { record, entry, refused, turns } = this.#judge(snapshot.record, batch)
    let stored = isTrusted ? snapshot : undefined
    if (entry !== undefined) {
      const version = await this.#entries.swap(key, entry, snapshot.version)
      stored = version === null ? undefined : { version, record }
    }
    if (stored === undefined) return undefined
    for (const swap of batch) {
      const own = turns.get(swap)
      if (own === undefined) swap.reject(refused.get(swap))
      else swap.resolve(batch.length === 1 ? stored : { ...stored, own })
    }
    return stored
  }

  /** Applies the changes one after the other; a change that is refused leaves the others as they are. */
  #judge(
    newest: SessionRecord,
    batch: readonly Swap[],
  ): { record: SessionRecord; entry?: Entry; refused: Map<Swap, unknown>; turns: Map<Swap, Values> } {
    let record = newest
    let entry: Entry | undefined
    const refused = new Map<Swap, unknown>()
    const turns = new Map<Swap, Values>()
    for (const swap of batch) {
      try {
        const next = apply(record, swap.commit, swap.now, this.#context)
        entry = this.#entries.encode(next)
        record = next
        turns.set(swap, next.values)
      } catch (error) {
        refused.set(swap, error)
      }
    }
    return { record, refused, turns, ...(entry && { entry }) }
  }

  async #reread(key: string): Promise<Snapshot> {
    const found = await this.#entries.read(key)
    if (found === 'none') throw ended()
    if (isTombstone(found)) throw moved()
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
