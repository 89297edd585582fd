import { createHash } from 'node:crypto'
import type { Keyring } from '../crypto/keyring.js'
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
const slices = processWide('@sess/core slices/1', () => ({
  exchanges: new Map<string, WeakRef<Exchanges>>(),
  ids: new WeakMap<object, number>(),
  lastId: 0,
}))

/**
 * The exchanges of an application. All slices that share their sessions get the same object, so within one request they
 * see one session and send one cookie. `store` is what the slice passed to `sessions`: the name of an adapter or an
 * adapter, whose options are `options`, or a store.
 */
export function exchangesOf(
  keyring: Keyring,
  cookieName: string,
  store: unknown,
  options: Readonly<Record<string, unknown>>,
): Exchanges {
  const identity = createHash('sha256')
  for (const key of keyring.keys('slice')) identity.update(key)
  const parts = [
    cookieName,
    store,
    ...Object.entries(options)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flat(),
  ]
  const name = identity.update(JSON.stringify(parts.map(nameOf))).digest('base64url')
  const exchanges = slices.exchanges.get(name)?.deref() ?? new Exchanges()
  slices.exchanges.set(name, new WeakRef(exchanges))
  return exchanges
}

/** Identifies a part. Two objects or functions are the same only if they are identical. */
function nameOf(value: unknown): string {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null)
    return `${typeof value} ${String(value)}`
  const id = slices.ids.get(value) ?? ++slices.lastId
  slices.ids.set(value, id)
  return `object ${id}`
}
