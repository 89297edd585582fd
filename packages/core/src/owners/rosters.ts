import type { ServerStore, Version } from '../contract.js'
import { SessError } from '../error.js'
import { answerOf } from '../storage/answer.js'
import { Queues } from '../storage/queues.js'
import { retry } from '../storage/retry.js'
import { TimeLimit } from '../storage/time-limit.js'
import { Roster } from './roster.js'

/** A roster as it was at one version. `null`: there was no entry. */
export interface FoundRoster {
  readonly version: Version | null
  readonly roster: Roster
}

/** One request's change of a roster, on its way into the store. */
interface Edit {
  /** Changes the roster, or throws and leaves it as it is. It may be called several times, each time on a newer state. */
  readonly apply: (roster: Roster) => void
  readonly limit: TimeLimit
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** The state that a batch of edits is first applied to. */
interface Basis {
  readonly found: FoundRoster
  /** It is at least as new as the request of each edit. */
  readonly isTrusted: boolean
}

interface RostersContext {
  readonly clock: () => number
  /** How long a revocation is remembered, in milliseconds. */
  readonly memory: number
  /** Requests may wait for each other, so their changes of one roster are gathered. */
  readonly isGathered: boolean
}

/**
 * Compare-and-swap of rosters, gathered: while one swap of a roster is under way, this process's other changes to it wait,
 * and then go together in the next.
 */
export class Rosters {
  readonly #store: ServerStore
  readonly #context: RostersContext
  readonly #queues: Queues<Edit[]>
  /** The reads that are under way for logins. */
  readonly #looks: Queues<Promise<FoundRoster>>

  constructor(store: ServerStore, context: RostersContext) {
    this.#store = store
    this.#context = context
    const buckets = context.isGathered ? undefined : 0
    this.#queues = new Queues(buckets)
    this.#looks = new Queues(buckets)
  }

  /**
   * Resolves with what `edit` returned for the state that is stored now: with its changes, if it has made any. Rejects with
   * what it has thrown, and with the store's error. Then its changes may have been stored. `from` is what the request has
   * read, if anything.
   */
  async edit<T>(key: string, limit: TimeLimit, edit: (roster: Roster) => T, from?: FoundRoster): Promise<T> {
    const queue = this.#queues.get(key)
    let result: { readonly value: T } | undefined
    const apply = (roster: Roster): void => {
      result = { value: edit(roster) }
    }
    const turn = new Promise<void>((resolve, reject) => {
      const waiting = { apply, limit, resolve, reject }
      if (queue) queue.push(waiting)
      else void this.#run(key, [waiting], from && { found: from, isTrusted: true })
    })
    await limit.bound(turn)
    if (result === undefined) throw new TypeError('An edit that was not applied does not resolve.')
    return result.value
  }

  /** Until the queue is empty. Never rejects: each request is told its own outcome. */
  async #run(key: string, queue: Edit[], from?: Basis): Promise<void> {
    this.#queues.add(key, queue)
    let basis = from
    while (queue.length > 0) {
      const batch = queue.splice(0)
      try {
        // For the next batch, what was stored here may be older than its requests.
        basis = { found: await this.#swap(key, basis, batch), isTrusted: false }
      } catch (error) {
        basis = undefined
        for (const { reject } of batch) reject(error)
      }
    }
    this.#queues.delete(key)
  }

  async #swap(key: string, from: Basis | undefined, batch: readonly Edit[]): Promise<FoundRoster> {
    // The requests come in the order in which they began to wait, so the last one has the most time left.
    const limit = batch[batch.length - 1]?.limit ?? new TimeLimit(this.#store)
    const first = from && (await this.#attempt(key, from, batch, limit))
    const again = async (): Promise<FoundRoster | undefined> => {
      const found = await this.read(key, limit)
      return this.#attempt(key, { found, isTrusted: true }, batch, limit)
    }
    return first ?? retry(limit, again)
  }

  /** Resolves with `undefined` if the state was not the newest; then no request was told anything. */
  async #attempt(
    key: string,
    { found: { version, roster: stored }, isTrusted }: Basis,
    batch: readonly Edit[],
    limit: TimeLimit,
  ): Promise<FoundRoster | undefined> {
    const { clock, memory } = this.#context
    const roster = stored.copy()
    roster.forgetExpired(clock())
    const waiting = batch.length === 1 ? batch : batch.filter((edit) => !edit.limit.isOver)
    const outcomes = waiting.map(({ apply, resolve, reject }) => {
      try {
        apply(roster)
        return resolve
      } catch (error) {
        return () => reject(error)
      }
    })
    let next: FoundRoster = { version, roster: stored }
    if (!roster.isChanged) {
      if (!isTrusted) return undefined
    } else {
      const entry = { data: roster.encode(), expiresAt: roster.keepUntil(memory) }
      limit.check()
      const swapped = await answerOf(
        this.#store,
        version === null ? this.#store.create(key, entry) : this.#store.update(key, entry, version),
      )
      if (swapped === null) return undefined
      next = { version: swapped, roster: roster.copy() }
    }
    for (const tell of outcomes) tell()
    return next
  }

  /**
   * A roster as it is now or, where another request of this process is reading it, as it was when that began. That is new
   * enough to begin a change with: whatever has come in between refuses the swap.
   */
  look(key: string, limit: TimeLimit): Promise<FoundRoster> {
    const under = this.#looks.get(key)
    if (under) return limit.bound(under)
    const looking = this.read(key, limit)
    this.#looks.add(key, looking)
    const end = (): void => this.#looks.delete(key)
    looking.then(end, end)
    return looking
  }

  async read(key: string, limit: TimeLimit): Promise<FoundRoster> {
    limit.check()
    const stored = await answerOf(this.#store, this.#store.read(key))
    if (stored === null) return { version: null, roster: Roster.empty() }
    const roster = Roster.decode(stored.data)
    if (roster === undefined) {
      throw new SessError(
        'CORRUPT',
        `The entry that the ${this.#store.name} store returned for the list of a user's sessions is not one.`,
      )
    }
    return { version: stored.version, roster }
  }
}
