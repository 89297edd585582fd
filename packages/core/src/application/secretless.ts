import type { SessError } from '../error.js'
import type { FetchHandler } from '../fetch/types.js'
import { missingSecret } from '../options/secret.js'
import type { Sessions } from './types.js'

/** Sessions without a secret, for a build that evaluates `sessions(…)` and does not use it: every use of a session fails. */
export class Secretless implements Sessions {
  readonly #step: string

  /** `step` says what shows that this is a build. */
  constructor(step: string) {
    this.#step = step
  }

  open(): Promise<never> {
    return Promise.reject(this.#missing())
  }

  /** A page that is made in the build, and opens no session, needs no secret. */
  fetch<A extends readonly unknown[]>(handler: FetchHandler<A>): (request: Request, ...rest: A) => Promise<Response> {
    return async (request, ...rest) => handler(request, ...rest)
  }

  read(): Promise<never> {
    return Promise.reject(this.#missing())
  }

  exchange(): never {
    throw this.#missing()
  }

  id(): never {
    throw this.#missing()
  }

  expiresAt(): never {
    throw this.#missing()
  }

  watch(): Promise<never> {
    return Promise.reject(this.#missing())
  }

  owner(): never {
    throw this.#missing()
  }

  isFresh(): never {
    throw this.#missing()
  }

  discard(): never {
    throw this.#missing()
  }

  inspect(): Promise<never> {
    return Promise.reject(this.#missing())
  }

  ready(): Promise<never> {
    return Promise.reject(this.#missing())
  }

  check(): Promise<never> {
    return Promise.reject(this.#missing())
  }

  prune(): Promise<never> {
    return Promise.reject(this.#missing())
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  #missing(): SessError {
    return missingSecret(
      `no secret was set when this module was evaluated in a build step (${this.#step}). ` +
        'A build may call sessions() without a secret, but not use the sessions.',
    )
  }
}
