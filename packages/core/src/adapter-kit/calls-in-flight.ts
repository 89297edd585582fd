import type { SessError } from '../error.js'

interface Flight {
  /** By `performance.now()`. */
  readonly began: number
  readonly reject: (error: SessError) => void
  /** Its place among those in flight; -1 once it has left them. */
  index: number
}

interface CallsContext {
  /** In milliseconds, for each call; `Infinity` where the calls see to it themselves. */
  readonly deadline: number
  /** What a call fails with that was not answered in time. */
  readonly late: () => SessError
  /** What an error means that a call failed with. */
  readonly mapError: (error: unknown) => SessError
  readonly onLate?: ((began: number) => void) | undefined
}

/**
 * The calls of a store that are in flight. Each ends in time. One timer does for all: one for each would cost a tenth of
 * a local round trip.
 */
export class CallsInFlight {
  readonly #context: CallsContext
  /**
   * No Set: one that is added to and deleted from for ever leaves a chain of its former tables, and once the first of
   * them is old, the garbage collector keeps the rest, and all that they held, until it looks through the whole heap.
   */
  readonly #flights: Flight[] = []
  #timer: NodeJS.Timeout | undefined
  #onIdle: (() => void) | undefined

  constructor(context: CallsContext) {
    this.#context = context
  }

  /**
   * Resolves as `call` does, or rejects with what its error means. What becomes of it after the deadline is seen by none.
   * An answer that is there at once waits for nothing.
   */
  run<T>(call: () => T | Promise<T>): Promise<T> {
    const began = performance.now()
    let answer: T | Promise<T>
    try {
      answer = call()
    } catch (error) {
      return Promise.reject(this.#context.mapError(error))
    }
    return isPending(answer) ? this.#follow(answer, began) : Promise.resolve(answer)
  }

  /** Resolves when none is in flight. */
  async idle(): Promise<void> {
    if (this.#flights.length > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }

  /** Ends all that are in flight, as if they were late. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const flight of this.#flights.splice(0)) {
      flight.index = -1
      flight.reject(this.#context.late())
    }
  }

  #follow<T>(pending: Promise<T>, began: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const flight = { began, reject, index: this.#flights.length }
      this.#enter(flight)
      pending.then(
        (value) => {
          this.#leave(flight)
          resolve(value)
        },
        (error: unknown) => {
          this.#leave(flight)
          reject(this.#context.mapError(error))
        },
      )
    })
  }

  #enter(flight: Flight): void {
    this.#flights.push(flight)
    // The timer outlives the calls that it was made for, and keeps the process alive only while there are some.
    if (this.#timer === undefined) this.#arm(this.#context.deadline)
    else if (this.#flights.length === 1) this.#timer.ref()
  }

  #leave(flight: Flight): void {
    if (flight.index < 0) return
    const last = this.#flights.pop()
    if (last !== undefined && last !== flight) {
      this.#flights[flight.index] = last
      last.index = flight.index
    }
    flight.index = -1
    if (this.#flights.length > 0) return
    this.#timer?.unref()
    this.#onIdle?.()
  }

  #arm(ms: number): void {
    if (ms < Infinity) this.#timer = setTimeout(() => this.#expire(), ms)
  }

  #expire(): void {
    this.#timer = undefined
    const now = performance.now()
    let next = Infinity
    for (const flight of this.#flights.slice()) {
      const left = flight.began + this.#context.deadline - now
      // A timer may fire up to a millisecond early.
      if (left >= 1) {
        next = Math.min(next, left)
        continue
      }
      this.#leave(flight)
      flight.reject(this.#context.late())
      this.#context.onLate?.(flight.began)
    }
    this.#arm(next)
  }
}

/** A promise of any maker's: what an adapter's client returns need not be one of ours. */
function isPending<T>(answer: T | Promise<T>): answer is Promise<T> {
  if (typeof answer !== 'object' || answer === null) return false
  return answer instanceof Promise || ('then' in answer && typeof answer.then === 'function')
}
