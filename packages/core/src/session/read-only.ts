import type { SessError } from '../error.js'

/**
 * A view of a value that refuses every change, at any depth. Freezing is not enough: outside strict mode, a write to a
 * frozen object is silently lost.
 */
export function readOnly<T>(value: T, refusal: () => SessError): T {
  if (typeof value !== 'object' || value === null) return value
  const refuse = (): never => {
    throw refusal()
  }
  // A copy, which is never frozen: a Proxy must return the own values of a frozen target, not views of them.
  const copy: typeof value = Array.isArray(value) ? Object.assign([], value) : { ...value }
  return new Proxy(copy, {
    get: (target, key, receiver): unknown => readOnly(Reflect.get(target, key, receiver), refusal),
    getOwnPropertyDescriptor(target, key) {
      const property = Reflect.getOwnPropertyDescriptor(target, key)
      return property && { ...property, value: readOnly<unknown>(property.value, refusal) }
    },
    set: refuse,
    deleteProperty: refuse,
    defineProperty: refuse,
    setPrototypeOf: refuse,
    preventExtensions: refuse,
  })
}
