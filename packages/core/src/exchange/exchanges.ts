import { processWide } from '../process-wide.js'
import type { ExchangeContext, SessionExchange } from './exchange.js'

/**
 * Finds the exchange of a response or of a fetch request. The exchange is stored as a property of that object: in a
 * WeakMap, each request would make every garbage collection slower.
 */
export class Exchanges {
  readonly #slot = Symbol('@sess/core')

  get(carrier: object): SessionExchange | undefined {
    return (carrier as Record<symbol, SessionExchange | undefined>)[this.#slot]
  }

  set(carrier: object, exchange: SessionExchange): void {
    ;(carrier as Record<symbol, SessionExchange | undefined>)[this.#slot] = exchange
  }
}

/**
 * The `Set-Cookie` lines for an error that replaces a response. What a save or another slice has stored keeps its
 * cookie; without it, the error would log the visitor out. A slice that has not committed yet adds its own.
 */
export function storedCookies(carrier: object): readonly string[] {
  return Object.getOwnPropertySymbols(carrier)
    .map((slot): unknown => Reflect.get(carrier, slot))
    .flatMap((value) => (isExchange(value) && value.isSealed ? value.failureHeaders() : []))
    .filter(([name]) => name === 'set-cookie')
    .map(([, line]) => line)
}

/** Checks the shape: another copy of core may have made it. */
function isExchange(value: unknown): value is SessionExchange {
  return typeof value === 'object' && value !== null && 'isSealed' in value && 'failureHeaders' in value
}

/** What `open` and `fetch` need from the application. */
export interface CarrierContext extends ExchangeContext {
  readonly exchanges: Exchanges
  /** Called with the reason when a response is replaced by an error. */
  readonly onError: (error: unknown) => void
}

/** What slices share, also if each has its own copy of core. */
const exchanges = processWide('@sess/core exchanges/1', () => new Map<string, WeakRef<Exchanges>>())

/**
 * The exchanges of an application. All slices that share their sessions, and so have one identity, get the same object:
 * within one request they see one session and send one cookie.
 */
export function exchangesOf(identity: string): Exchanges {
  const found = exchanges.get(identity)?.deref() ?? new Exchanges()
  exchanges.set(identity, new WeakRef(found))
  return found
}
