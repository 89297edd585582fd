import { late } from '../adapter-kit/deadline.js'
import type { ServerStore } from '../contract.js'

/** What has a deadline for each of its calls, in milliseconds. */
type Limited = Pick<ServerStore, 'name' | 'deadline'>

/**
 * The time that one load or one commit has, however many calls of the store it needs: as much as the store takes for
 * one call at most, its `deadline`.
 */
export class TimeLimit {
  readonly #store: Limited
  /** Until when calls may begin (`performance.now()`). */
  readonly #due: number
  /** How much longer than that the result is waited for, in milliseconds. */
  #grace = 0

  constructor(store: Limited) {
    this.#store = store
    this.#due = performance.now() + store.deadline
  }

  get isOver(): boolean {
    return performance.now() >= this.#due
  }

  /** Throws `UNAVAILABLE` once the time is over. Called before each call of the store: none begins after that. */
  check(): void {
    if (this.isOver) throw this.#late()
  }

  /** As `check`. Then gives the call that is about to begin, and what has to follow it, one deadline more. */
  prolong(): void {
    this.check()
    this.#grace = this.#store.deadline
  }

  /**
   * Settles as `work` does, or rejects with `UNAVAILABLE` once the time is over. The first call of the store needs no
   * bound, because the store bounds it.
   */
  bound<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const wait = (): void => {
        const left = this.#due + this.#grace - performance.now()
        if (left > 0) timer = setTimeout(wait, Math.ceil(left))
        else reject(this.#late())
      }
      wait()
      const stop = (): void => clearTimeout(timer)
      work.then(resolve, reject).then(stop, stop)
    })
  }

  #late(): Error {
    const { name, deadline } = this.#store
    return late(name, deadline + this.#grace)
  }
}
