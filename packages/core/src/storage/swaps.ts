import type { Entry } from '../contract.js'
import { SessError } from '../error.js'
import { noteAttempt, noteStored } from '../observing/commit-report.js'
import type { Values } from '../session/values.js'
import { apply } from './apply.js'
import { isTombstone, type SessionEntries, type Snapshot, snapshotOf } from './entries.js'
import { type Commit, isOwned, type StorageContext } from './loaded-session.js'
import { Queues } from './queues.js'
import type { SessionRecord } from './record.js'
import { retry } from './retry.js'
import type { TimeLimit } from './time-limit.js'

/** One request's changes, on their way into the store. */
interface Swap {
  readonly commit: Commit
  readonly now: number
  /** Once it is over, the request has been told that the changes were not stored, so they are dropped. */
  readonly limit: TimeLimit
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

/** Runs a login or a logout. Resolves as it does, or with `undefined` if it has failed. */
type Departing = (newest: Snapshot | Departure) => Promise<Departure | undefined>

/** What the requests of this process want to do to one session. */
interface Queue {
  readonly departures: Departing[]
  readonly swaps: Swap[]
}

/** A state that a batch of changes leads to. */
interface Judgement {
  readonly record: SessionRecord
  /** Left out if every change is refused. */
  readonly entry: Entry | undefined
  /** For each swap of the batch, the values after its turn, or why it is refused. */
  readonly turns: readonly ({ readonly values: Values } | { readonly refusal: unknown })[]
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
  readonly #queues: Queues<Queue>

  constructor(entries: SessionEntries, context: StorageContext, queues: Queues<Queue> = new Queues()) {
    this.#entries = entries
    this.#context = context
    this.#queues = queues
  }

  /** Resolves with what was stored, and the request's own turn in it. `from` is what the request last read, perhaps long ago. */
  change(key: string, from: Snapshot, commit: Commit, now: number, limit: TimeLimit): Promise<Snapshot> {
    const queue = this.#queues.get(key)
    const turn = new Promise<Snapshot>((resolve, reject) => {
      const swap = { commit, now, limit, resolve, reject }
      if (queue) queue.swaps.push(swap)
      else void this.#run(key, { snapshot: from, isTrusted: true }, this.#open(key, [swap]))
    })
    return queue ? limit.bound(turn) : turn
  }

  /** Runs a login or a logout. Settles as it does. */
  async depart(key: string, from: Snapshot, limit: TimeLimit, depart: Depart): Promise<Departure> {
    const waiting = this.#queues.get(key)
    if (waiting) {
      return limit.bound(new Promise((resolve) => waiting.departures.push(departing(depart, resolve))))
    }
    const queue = this.#open(key, [])
    let departure: Departure | undefined
    try {
      departure = await depart(from)
      return departure
    } finally {
      if (departure === undefined) void this.#run(key, { snapshot: from, isTrusted: false }, queue)
      else this.#close(key, queue, departure)
    }
  }

  #open(key: string, swaps: Swap[]): Queue {
    const queue = { departures: [], swaps }
    this.#queues.add(key, queue)
    return queue
  }

  /** Until the queue is empty. Never rejects: each request is told its own outcome. */
  async #run(key: string, { snapshot, isTrusted }: Basis, queue: Queue): Promise<void> {
    const { departures, swaps } = queue
    let newest = { snapshot, isTrusted }
    while (departures.length + swaps.length > 0) {
      const depart = departures.shift()
      if (depart === undefined) {
        const batch = swaps.splice(0)
        try {
          // For the next batch, what was stored here may be older than what its requests have read.
          newest = { snapshot: await this.#swap(key, newest, batch), isTrusted: false }
        } catch (error) {
          for (const swap of batch) swap.reject(error)
        }
      } else {
        const departure = await depart(newest.snapshot)
        if (departure !== undefined) {
          this.#close(key, queue, departure)
          return
        }
      }
      newest.isTrusted = false
    }
    this.#queues.delete(key)
  }

  /** No later request finds the session under this key, so those that wait need not ask the store. */
  #close(key: string, { departures, swaps }: Queue, departure: Departure): void {
    this.#queues.delete(key)
    for (const swap of swaps) swap.reject(departure === 'ended' ? ended() : moved())
    for (const depart of departures) void depart(departure)
  }

  /**
   * Each attempt judges the whole batch again, by the newest state of the session. If every change is refused, no swap
   * proves that the state was the newest; a state that is not trusted is then read again.
   */
  async #swap(key: string, from: Basis, batch: readonly Swap[]): Promise<Snapshot> {
    // The requests come in the order in which they began to wait, so the last one has the most time left.
    const limit = batch[batch.length - 1]?.limit
    if (limit === undefined) return from.snapshot
    const stored = this.#entries.isAlive(from.snapshot) ? await this.#attempt(key, from, batch, limit) : undefined
    if (stored !== undefined) return stored
    const again = async (): Promise<Snapshot | undefined> => {
      const snapshot = await readAgain(this.#entries, key, limit)
      return this.#attempt(key, { snapshot, isTrusted: true }, batch, limit)
    }
    return retry(limit, again)
  }

  /** Resolves with `undefined` if the state was not the newest; then no swap was told anything. */
  async #attempt(
    key: string,
    { snapshot, isTrusted }: Basis,
    batch: readonly Swap[],
    limit: TimeLimit,
  ): Promise<Snapshot | undefined> {
    // A single one is checked by the call itself.
    const waiting = batch.length === 1 ? batch : batch.filter((swap) => !swap.limit.isOver)
    const { record, entry, turns } = this.#judge(snapshot.record, waiting)
    let stored = isTrusted ? snapshot : undefined
    if (entry !== undefined) {
      const version = await this.#entries.swap(key, entry, snapshot.version, limit)
      stored = version === null ? undefined : snapshotOf(version, record, entry)
    }
    if (stored === undefined) return undefined
    for (const [index, { commit, resolve, reject }] of waiting.entries()) {
      const turn = turns[index]
      if (turn === undefined) continue
      if ('refusal' in turn) {
        reject(turn.refusal)
        continue
      }
      noteStored(commit.report, stored.data)
      resolve(waiting.length === 1 ? stored : { ...stored, own: turn.values })
    }
    return stored
  }

  /** Applies the changes one after the other; a change that is refused leaves the others as they are. */
  #judge(newest: SessionRecord, batch: readonly Swap[]): Judgement {
    let record = newest
    let entry: Entry | undefined
    const turns = batch.map(({ commit, now }) => {
      try {
        const { lifetime, onConflict } = this.#context
        // The session of an owner is extended before this, since its listing has to be.
        const context = isOwned(this.#context, record) ? { lifetime: undefined, onConflict } : { lifetime, onConflict }
        const next = apply(record, commit, now, context)
        entry = this.#entries.encode(next)
        record = next
        noteAttempt(commit.report)
        return { values: next.values }
      } catch (refusal) {
        return { refusal }
      }
    })
    return { record, entry, turns }
  }
}

/** The session as the store has it now. Throws `CONFLICT` if it has left its key. */
export async function readAgain(entries: SessionEntries, key: string, limit: TimeLimit): Promise<Snapshot> {
  const found = await entries.read(key, limit)
  if (found === 'none') throw ended()
  if (isTombstone(found)) throw moved()
  return found
}

function departing(depart: Depart, resolve: (departure: Promise<Departure>) => void): Departing {
  return (newest) => {
    const departure = depart(newest)
    resolve(departure)
    return departure.catch(() => undefined)
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
