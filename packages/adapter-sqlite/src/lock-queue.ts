import { setImmediate, setTimeout } from 'node:timers/promises'
import { isBusy } from './failure.js'

interface Waiting {
  /** When the call gives up (`performance.now()`). */
  readonly end: number
  /** Does the work and resolves the call, or throws. */
  readonly attempt: () => void
  readonly reject: (error: unknown) => void
}

/** Milliseconds between two attempts, at most. */
const LONGEST_PAUSE = 16

/**
 * A queue of calls that wait for a lock of another process. SQLite's own busy timeout blocks the event loop, so it is
 * not used: a call that finds the file locked joins the queue, and the first call in the queue tries again from time to
 * time. Only the first one tries, because a thousand waiting calls would keep the CPU busy. Calls are served in order,
 * so none waits forever.
 */
export class LockQueue {
  readonly #deadline: number
  #line: Waiting[] = []

  /** `deadline`: how long a call waits for the lock, in milliseconds, before it fails with `SQLITE_BUSY`. */
  constructor(deadline: number) {
    this.#deadline = deadline
  }

  /**
   * `work` must do nothing if it throws `SQLITE_BUSY`: it is then called again, until the deadline has passed since
   * `began` (`performance.now()`).
   */
  run<T>(work: () => T, began: number = performance.now()): T | Promise<T> {
    if (this.#line.length > 0) return this.#wait(work, began)
    try {
      return work()
    } catch (error) {
      if (isBusy(error)) return this.#wait(work, began)
      throw error
    }
  }

  #wait<T>(work: () => T, began: number): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#line.push({ end: began + this.#deadline, attempt: () => resolve(work()), reject })
      if (this.#line.length === 1) void this.#serve()
    })
  }

  async #serve(): Promise<void> {
    let pause = 0
    for (let [first] = this.#line; first !== undefined; [first] = this.#line) {
      // Each call gets its own turn of the event loop, so that a long queue does not block it.
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
    const late = this.#line.filter(({ end }) => end <= now)
    this.#line = this.#line.filter(({ end }) => end > now)
    for (const { reject } of late) reject(error)
  }
}
