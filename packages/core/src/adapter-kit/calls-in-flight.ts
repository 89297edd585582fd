import type { SessError } from '../error.js'
import { requestsShareIo } from '../request-io.js'
import type { CircuitBreaker } from './circuit-breaker.js'

interface Flight {
  /** When the call began, by `performance.now()`. */
  readonly began: number
  readonly breaker: CircuitBreaker | undefined
  readonly reject: (error: SessError) => void
  /** Its index among the calls in flight; -1 once it has ended. */
  index: number
}

interface CallsContext {
  /** How long each call may take, in milliseconds. `Infinity` if the calls enforce the deadline themselves. */
  readonly deadline: number
  /** Makes the error of a call that was not answered in time. */
  readonly late: () => SessError
  /** Converts the error that a call failed with. */
  readonly mapError: (error: unknown) => SessError
  readonly onLate?: ((began: number) => void) | undefined
}

/**
 * The calls of a store that are in flight, each of which ends in time. They share one timer: a timer for each call
 * would cost a tenth of a local round trip.
 */
class CallsInFlight {
  readonly #context: CallsContext
  /**
   * An array, not a Set. A Set with endless additions and deletions leaves a chain of its former tables. Once the first
   * of these is in the old generation, the garbage collector retains all the others, and everything in them, until it
   * collects the whole heap.
   */
  readonly #flights: Flight[] = []
  #timer: NodeJS.Timeout | undefined
  #onIdle: (() => void) | undefined

  constructor(context: CallsContext) {
    this.#context = context
  }

  /**
   * Resolves as `call` does, or rejects with its error, converted by `mapError`. Results that arrive after the deadline
   * are dropped. `breaker` is told how the call ends. A result that is not a promise needs no deadline and no breaker.
   */
  run<T>(call: (began: number) => T | Promise<T>, breaker?: CircuitBreaker): Promise<T> {
    const began = performance.now()
    let answer: T | Promise<T>
    try {
      answer = call(began)
    } catch (error) {
      return Promise.reject(this.#context.mapError(error))
    }
    return isPending(answer) ? this.#follow(answer, began, breaker) : Promise.resolve(answer)
  }

  /** Resolves when no call is in flight. */
  async idle(): Promise<void> {
    if (this.#flights.length > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }

  /** Rejects every call in flight with the error of a late call. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const flight of this.#flights.splice(0)) {
      flight.index = -1
      flight.reject(this.#context.late())
    }
  }

  #follow<T>(pending: Promise<T>, began: number, breaker: CircuitBreaker | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const flight = { began, breaker, reject, index: this.#flights.length }
      this.#enter(flight)
      pending.then(
        (value) => {
          this.#leave(flight)
          breaker?.answered(began)
          resolve(value)
        },
        (failure: unknown) => {
          const error = this.#context.mapError(failure)
          // Once it is late, the breaker and the caller have been told.
          if (flight.index >= 0) breaker?.failed(began, error)
          this.#leave(flight)
          reject(error)
        },
      )
    })
  }

  #enter(flight: Flight): void {
    this.#flights.push(flight)
    // The timer outlives the calls that started it, but keeps the process alive only while calls are in flight.
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
    // On Cloudflare Workers with a compatibility date before 2026, a timer is a number.
    this.#timer?.unref?.()
    this.#onIdle?.()
  }

  #arm(ms: number): void {
    if (ms < Infinity) this.#timer = setTimeout(() => this.#expire(), Math.ceil(ms))
  }

  #expire(): void {
    this.#timer = undefined
    const now = performance.now()
    let next = Infinity
    for (const flight of this.#flights.slice()) {
      const left = flight.began + this.#context.deadline - now
      // A timer may fire up to a millisecond early. A call that was rejected then could still send a write.
      if (left > 0) {
        next = Math.min(next, left)
        continue
      }
      const error = this.#context.late()
      this.#leave(flight)
      flight.breaker?.failed(flight.began, error)
      flight.reject(error)
      this.#context.onLate?.(flight.began)
    }
    this.#arm(next)
  }
}

/** What a store does with its calls. */
export type Calls = Pick<CallsInFlight, 'run' | 'idle' | 'end'>

/**
 * The calls of a store. Where requests share no I/O, each call is by itself: it has a timer of its own, and `idle` and
 * `end` leave the calls of other requests alone.
 */
export function callsOf(context: CallsContext): Calls {
  if (requestsShareIo()) return new CallsInFlight(context)
  return {
    run(call, breaker) {
      const alone = new CallsInFlight(context)
      return alone.run(call, breaker).finally(() => alone.end())
    },
    idle: async () => {},
    end: () => {},
  }
}

/** Accepts any thenable: an adapter's client may return promises of another class. */
function isPending<T>(answer: T | Promise<T>): answer is Promise<T> {
  if (typeof answer !== 'object' || answer === null) return false
  return answer instanceof Promise || ('then' in answer && typeof answer.then === 'function')
}
