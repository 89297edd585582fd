import { createHash } from 'node:crypto'
import type { SessionExchange } from './exchange.js'
import type { Keyring } from './secret.js'

/**
 * The exchanges under way, each on the response (or the fetch request) that it belongs to: a WeakMap
 * would cost every request its part of each garbage collection.
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

const shared = new Map<string, WeakRef<Exchanges>>()
const ids = new WeakMap<object, number>()
let lastId = 0

/**
 * The exchanges of an application, or of all its slices that share their sessions: within one request
 * too they see one session, and send one cookie. `store` is what the slice was given to keep sessions
 * with: an adapter's name or the adapter, with its options, or a store.
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
  const exchanges = shared.get(name)?.deref() ?? new Exchanges()
  shared.set(name, new WeakRef(exchanges))
  return exchanges
}

/** Objects and functions are the same only if they are one. */
function nameOf(value: unknown): string {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null)
    return `${typeof value} ${String(value)}`
  const id = ids.get(value) ?? ++lastId
  ids.set(value, id)
  return `object ${id}`
}
