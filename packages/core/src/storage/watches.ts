import { inLanes } from './lanes.js'
import type { SessError } from '../error.js'
import type { OwnerId } from '../owners/owner-id.js'
import type { Owned } from '../owners/owned-entries.js'
import { announce, type Departed, listen, stopListening } from './endings.js'
import { isSnapshot, isTombstone, type SessionEntries } from './entries.js'
import type { StorageContext } from './loaded-session.js'
import type { SessionRecord } from './record.js'

/** How many calls of the store one round has in flight. */
const LANES = 128

interface Watch {
  /** Where the session is stored. Another key once it has moved. */
  key: string
  /** `undefined`: it is nobody's. */
  readonly owner: OwnerId | undefined
  readonly everyMs: number
  /** When the store is asked again (`performance.now()`). */
  due: number
  readonly controller: AbortController
  /** The request is over, so nobody waits for its signal. */
  readonly isOver: () => boolean
  readonly departed: Departed
}

/** Of the application's sessions. */
type WatchesContext = Pick<StorageContext, 'ownerKey' | 'onError'>

/**
 * Sessions whose end someone waits for. What this process ends is announced at once. For what ends elsewhere, the store is
 * asked again and again: for all sessions at the same time, so that a store that gathers reads needs few commands.
 */
export class Watches {
  readonly #entries: SessionEntries
  readonly #context: WatchesContext
  readonly #watches = new Set<Watch>()
  #timer: NodeJS.Timeout | undefined
  /** The last round failed, and `onError` knows. */
  #fails = false
  /** Why nobody watches any more. */
  #closed: SessError | undefined

  constructor(entries: SessionEntries, context: WatchesContext) {
    this.#entries = entries
    this.#context = context
  }

  /**
   * The signal is aborted when the session under this key ends, wherever it moves before, or when it is no longer its
   * owner's, or when the watches are closed.
   */
  add({ key, record }: Owned, everyMs: number, isOver: () => boolean): AbortSignal {
    if (this.#closed) return AbortSignal.abort(this.#closed)
    const controller = new AbortController()
    const watch: Watch = {
      key,
      owner: this.#ownerOf(record),
      everyMs,
      // It may have ended since it was found.
      due: performance.now(),
      controller,
      isOver,
      departed: (to) => (to === undefined ? this.#end(watch) : this.#follow(watch, to)),
    }
    this.#watches.add(watch)
    listen(key, watch.departed)
    this.#arm()
    return controller.signal
  }

  /** Asks no more, so whoever goes on would miss an end: the signals are aborted, for this reason. */
  close(reason: SessError): void {
    this.#closed = reason
    clearTimeout(this.#timer)
    for (const watch of this.#watches) this.#end(watch, reason)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#watches.size === 0 || this.#closed) return
    const due = Math.min(...[...this.#watches].map((watch) => watch.due))
    this.#timer = setTimeout(() => void this.#ask(), Math.max(Math.ceil(due - performance.now()), 0))
    // Whoever waits for a signal has a connection, which keeps the process alive.
    this.#timer.unref?.()
  }

  async #ask(): Promise<void> {
    const now = performance.now()
    const keys = new Set<string>()
    for (const watch of this.#watches) {
      if (watch.isOver()) this.#forget(watch)
      else if (watch.due <= now) {
        watch.due = now + watch.everyMs
        keys.add(watch.key)
      }
    }
    try {
      await inLanes(keys, LANES, (key) => this.#askFor(key))
      if (keys.size > 0) this.#fails = false
    } catch (error) {
      // Whether the sessions have ended is not known.
      if (!this.#fails) this.#context.onError(error)
      this.#fails = true
    }
    this.#arm()
  }

  async #askFor(key: string): Promise<void> {
    const found = await this.#entries.read(key, this.#entries.limit())
    if (isSnapshot(found)) {
      this.#check(key, found.record)
      return
    }
    const to = isTombstone(found) ? found.moved?.to : undefined
    announce(key, to)
    if (to !== undefined) await this.#askFor(to)
  }

  #check(key: string, record: SessionRecord): void {
    const owner = this.#ownerOf(record)
    for (const watch of this.#watches) if (watch.key === key && !isStillOf(watch, owner)) this.#end(watch)
  }

  #ownerOf({ values }: SessionRecord): OwnerId | undefined {
    return this.#context.ownerKey?.ownerOf(values)
  }

  #follow(watch: Watch, to: string): void {
    stopListening(watch.key, watch.departed)
    watch.key = to
    listen(to, watch.departed)
    // A move may change the owner.
    watch.due = performance.now()
    this.#arm()
  }

  #end(watch: Watch, reason?: SessError): void {
    this.#forget(watch)
    watch.controller.abort(reason)
  }

  #forget(watch: Watch): void {
    this.#watches.delete(watch)
    stopListening(watch.key, watch.departed)
  }
}

/** A session that was nobody's may become somebody's: that is a login. */
function isStillOf(watch: Watch, owner: OwnerId | undefined): boolean {
  return watch.owner === undefined || watch.owner === owner
}
