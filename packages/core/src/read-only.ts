import type { SessError } from './error.js'

/**
 * A view of a value through which nothing can be altered, at any depth. Freezing would not do: outside
 * strict mode a write to a frozen object is ignored, and so lost.
 */
export function readOnly<T>(value: T, refusal: () => SessError): T {
  if (typeof value !== 'object' || value === null) return value
  const refuse = (): never => {
    throw refusal()
  }
  return new Proxy(value, {
    get: (target, key, receiver): unknown => readOnly(Reflect.get(target, key, receiver), refusal),
    set: refuse,
    deleteProperty: refuse,
    defineProperty: refuse,
    setPrototypeOf: refuse,
    preventExtensions: refuse,
  })
}
