import type { SessError } from '../error.js'

/**
 * A view of a value through which nothing can be altered, at any depth. Freezing would not do: outside
 * strict mode a write to a frozen object is ignored, and so lost.
 */
export function readOnly<T>(value: T, refusal: () => SessError): T {
  if (typeof value !== 'object' || value === null) return value
  const refuse = (): never => {
    throw refusal()
  }
  // The copy is never frozen: through a Proxy, what a frozen object holds cannot be shown as a view of it.
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
