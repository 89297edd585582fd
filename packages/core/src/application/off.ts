import { SessError } from '../error.js'
import type { Exchange } from '../exchange/types.js'
import type { FetchHandler } from '../fetch/types.js'
import type { AnyData } from '../session/session.js'
import type { Sessions } from './types.js'

/** Sessions that are turned off: nothing is loaded, stored or sent, and what needs a store is `DISABLED`. */
export class Off implements Sessions {
  open(): Promise<never> {
    return Promise.reject(disabled())
  }

  fetch<A extends readonly unknown[]>(handler: FetchHandler<A>): (request: Request, ...rest: A) => Promise<Response> {
    return async (request, ...rest) => handler(request, ...rest)
  }

  read(): Promise<never> {
    return Promise.reject(disabled())
  }

  exchange(): Exchange<AnyData> {
    return {
      open: () => this.open(),
      pending: false,
      changed: false,
      needsCookie: false,
      cookie: undefined,
      discard: () => undefined,
      commit: async () => [],
      failureHeaders: () => [],
    }
  }

  id(): undefined {
    return undefined
  }

  expiresAt(): undefined {
    return undefined
  }

  watch(): Promise<never> {
    return Promise.reject(disabled())
  }

  owner(): never {
    throw disabled()
  }

  isFresh(): false {
    return false
  }

  discard(): void {}

  inspect(): Promise<never> {
    return Promise.reject(disabled())
  }

  ready(): Promise<never> {
    return Promise.reject(disabled())
  }

  check(): Promise<never> {
    return Promise.reject(disabled())
  }

  prune(): Promise<never> {
    return Promise.reject(disabled())
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

function disabled(): SessError {
  return new SessError(
    'DISABLED',
    "Sessions are off: sessions() was given false. To turn them on, name a store: sessions('cookie', { secret: process.env.SESSION_SECRET }).",
  )
}
