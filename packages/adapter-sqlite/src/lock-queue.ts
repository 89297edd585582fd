import { setImmediate, setTimeout } from 'node:timers/promises'
import { isBusy } from './failure.js'

interface Waiting {
  /** By `performance.now()`. */
  readonly end: number
  /** Does the work and resolves, or throws. */
  readonly attempt: () => void
  readonly reject: (error: unknown) => void
}

/** In milliseconds. */
const LONGEST_PAUSE = 16

/**
 * Lets calls wait for a lock that another process holds. SQLite's own way of waiting blocks the event loop, so none of
 * it is used: calls that find the file locked line up, and the first in line tries again from time to time. It tries
 * for all, or a thousand waiting calls would keep the processor busy; and they go in order, so that none is overtaken
 * for ever.
 */
export class LockQueue {
  readonly #deadline: number
  readonly #line: Waiting[] = []

  /** `deadline` in milliseconds: how long a call waits before its error is that the file is locked. */
  constructor(deadline: number) {
    this.#deadline = deadline
  }

  /** `work` throws `SQLITE_BUSY` only where it has done nothing, and is then done again. */
  run<T>(work: () => T): T | Promise<T> {
    if (this.#line.length > 0) return this.#wait(work)
    try {
      return work()
    } catch (error) {
      if (isBusy(error)) return this.#wait(work)
      throw error
    }
  }

  #wait<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#line.push({ end: performance.now() + this.#deadline, attempt: () => resolve(work()), reject })
      if (this.#line.length === 1) void this.#serve()
    })
  }

  async #serve(): Promise<void> {
    let pause = 0
    for (let [first] = this.#line; first !== undefined; [first] = this.#line) {
      // However many are in line, each has a turn of the event loop to itself.
      await (pause === 0 ? setImmediate() : setTimeout(Math.min(pause, first.end - performance.now())))
      try {
        first.attempt()
      } catch (error) {
        if (isBusy(error)) {
          this.#dismissLate(error)
          pause = Math.min(2 * pause + 1, LONGEST_PAUSE)
          continue
        }
        first.reject(error)
      }
      this.#line.shift()
      pause = 0
    }
  }

  #dismissLate(error: unknown): void {
    const now = performance.now()
    const late = this.#line.findIndex(({ end }) => end > now)
    for (const { reject } of this.#line.splice(0, late < 0 ? Infinity : late)) reject(error)
  }
}
