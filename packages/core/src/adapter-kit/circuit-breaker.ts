import { codeOf, isSessError, SessError } from '../error.js'
import { requestsShareIo } from '../request-io.js'

/** How many calls in a row a server may leave unanswered before the store stops sending calls to it. */
const MOST_UNANSWERED = 5

/** How long a probe may take, and the shortest time from one probe to the next, in milliseconds. */
export const PROBE_MS = 250

/** How long calls rely on the last failure, in milliseconds. After that, they wait for the probe. */
const FRESH_MS = 1000

/** The codes of a server that was not reached, or that did not answer: those of Node, and one for adapters. */
const UNREACHED: ReadonlySet<unknown> = new Set([
  'CONNECTION_LOST',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])

/** Whether a call failed without an answer of the server. A refusal, such as that of a full server, is an answer. */
function isUnanswered(error: unknown): boolean {
  if (!isSessError(error) || error.code !== 'UNAVAILABLE') return false
  const code = codeOf(error.cause)
  return code !== undefined && UNREACHED.has(code)
}

/**
 * Stops the calls to a server that has left several in a row unanswered: each would wait for the deadline and need a
 * connection, only to fail too. From then on calls fail at once, while one probe at a time finds out whether the server
 * answers again. (Michael Nygard, "Release It!", calls this a circuit breaker.)
 */
export class CircuitBreaker {
  readonly #server: string
  readonly #ask: (key: string) => Promise<unknown>
  readonly #sharesProbes = requestsShareIo()
  #unanswered = 0
  /** When the newest call that was answered began. This and all times below are by `performance.now()`. */
  #answeredSince = 0
  /** When the first of the unanswered calls failed. */
  #downSince = 0
  #failedAt = 0
  #failure: SessError | undefined
  #probe: Promise<void> | undefined
  #probedAt = -Infinity

  /** `server`: what to call it in a message. `ask`: reads a key on it, as a probe. */
  constructor(server: string, ask: (key: string) => Promise<unknown>) {
    this.#server = server
    this.#ask = ask
  }

  /** Whether calls have to be admitted. */
  get isOpen(): boolean {
    return this.#unanswered >= MOST_UNANSWERED
  }

  /** Tells the breaker that the call that began then was answered. */
  answered(began: number): void {
    this.#unanswered = 0
    if (began > this.#answeredSince) this.#answeredSince = began
  }

  /** Tells the breaker how the call that began then has failed. */
  failed(began: number, error: SessError): void {
    // If the server has answered a later call, this one tells nothing new.
    if (!isUnanswered(error) || began < this.#answeredSince) return
    this.#failedAt = performance.now()
    if (this.#unanswered++ === 0) this.#downSince = this.#failedAt
    this.#failure = error
  }

  /**
   * Rejects at once if a call or a probe failed within the last second; a probe then finds out for later calls whether
   * the server answers again. Otherwise waits for that probe, and resolves if it was answered. Where requests share no
   * I/O, a call waits for no probe but its own.
   */
  async admit(key: string): Promise<void> {
    const now = performance.now()
    const isDue = now - this.#probedAt >= PROBE_MS
    const isStale = now - this.#failedAt >= FRESH_MS
    if (!this.#sharesProbes) {
      if (isDue || isStale) await this.#send(key, now)
    } else {
      if (isDue) this.#probe = this.#send(key, now)
      if (isStale) await this.#probe
    }
    if (this.isOpen) throw this.#refusal()
  }

  /** Probes the server. Never rejects: the calls that the probe is one of tell the breaker how it ends. */
  async #send(key: string, now: number): Promise<void> {
    this.#probedAt = now
    try {
      await this.#ask(key)
    } catch (error) {
      if (!isUnanswered(error)) this.answered(now)
    }
  }

  #refusal(): SessError {
    const seconds = Math.ceil((performance.now() - this.#downSince) / 1000)
    return new SessError(
      'UNAVAILABLE',
      `${this.#server} has not answered for ${seconds} s, so this call was not sent. The store works again when it answers.`,
      { cause: this.#failure?.cause },
    )
  }
}
