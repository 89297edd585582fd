import type { Content } from './content.js'
import type { Entry } from './contract.js'
import { SessError } from './error.js'
import { retry } from './retry.js'
import type { SessionEntries, Snapshot } from './session-entries.js'

interface Swap {
  /** The content with one request's changes applied; throws where they conflict. */
  readonly change: (newest: Content) => Content
  readonly resolve: (snapshot: Snapshot) => void
  readonly reject: (error: unknown) => void
}

/** What a batch of changes is judged by first. */
interface Basis {
  readonly snapshot: Snapshot
  /** It is no older than what each of the requests has read. */
  readonly isTrusted: boolean
}

/**
 * Compare-and-swap of sessions, gathered: while one swap of a session is under way, the changes of
 * this process's other requests to it wait, and go together in the next, each judged on its own.
 */
export class Swaps {
  readonly #entries: SessionEntries
  /** By the session's key, which is never the name of a method. No Map, for the reason that `Calls` has no Set. */
  readonly #waiting: Record<string, Swap[]> = {}

  constructor(entries: SessionEntries) {
    this.#entries = entries
  }

  /** Resolves with what was stored. `from` is what the request last read, perhaps long ago. */
  change(key: string, from: Snapshot, change: Swap['change']): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      const swap = { change, resolve, reject }
      const waiting = this.#waiting[key]
      if (waiting) waiting.push(swap)
      else void this.#run(key, from, [swap])
    })
  }

  /** Never rejects: each swap is told its own outcome. */
  async #run(key: string, from: Snapshot, waiting: Swap[]): Promise<void> {
    this.#waiting[key] = waiting
    let newest = from
    // What is stored here may be older, when the next go, than what these have read.
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
   * Each attempt judges the whole batch anew, by the newest state of the session. Where it refuses every change,
   * no swap shows whether the state was the newest; one that is not trusted to be is read again.
   */
  async #swap(key: string, from: Basis, batch: readonly Swap[]): Promise<Snapshot> {
    const stored = this.#entries.isAlive(from.snapshot) ? await this.#attempt(key, from, batch) : undefined
    return (
      stored ?? retry(async () => this.#attempt(key, { snapshot: await this.#reread(key), isTrusted: true }, batch))
    )
  }

  /** Resolves with `undefined`, and has told nobody anything, where the state was not the newest. */
  async #attempt(key: string, { snapshot, isTrusted }: Basis, batch: readonly Swap[]): Promise<Snapshot | undefined> {
    const { content, entry, refused } = this.#judge(snapshot.content, batch)
    let stored = isTrusted ? snapshot : undefined
    if (entry !== undefined) {
      const version = await this.#entries.swap(key, entry, snapshot.version)
      stored = version === null ? undefined : { version, content }
    }
    if (stored === undefined) return undefined
    for (const swap of batch) {
      if (refused.has(swap)) swap.reject(refused.get(swap))
      else swap.resolve(stored)
    }
    return stored
  }

  /** Applies the changes one after the other; one that is refused leaves the others as they are. */
  #judge(newest: Content, batch: readonly Swap[]): { content: Content; entry?: Entry; refused: Map<Swap, unknown> } {
    let content = newest
    let entry: Entry | undefined
    const refused = new Map<Swap, unknown>()
    for (const swap of batch) {
      try {
        const next = swap.change(content)
        entry = this.#entries.encode(next)
        content = next
      } catch (error) {
        refused.set(swap, error)
      }
    }
    return { content, refused, ...(entry && { entry }) }
  }

  async #reread(key: string): Promise<Snapshot> {
    const found = await this.#entries.read(key)
    if (found === 'none') throw ended()
    if (found === 'rotated') throw rotated()
    return found
  }
}

export function ended(): SessError {
  return new SessError(
    'CONFLICT',
    'The session ended, by logout or expiry, while this request was changing it. Its changes were not stored.',
  )
}

export function rotated(): SessError {
  return new SessError(
    'CONFLICT',
    'The session moved to a new token, by a login in another request, and this request still holds the old one. ' +
      'Nothing was stored or ended; try the request again with the new cookie.',
  )
}
