import type { Json } from './values.js'

export function isSame(one: Json | undefined, other: Json | undefined): boolean {
  return one === other || (isObject(one) && isObject(other) && JSON.stringify(one) === JSON.stringify(other))
}

/**
 * Whether `value` is still equal to `known`, the copy that `storable` made of it. It takes half the time of another
 * copy and returns false if it cannot decide. If a part has been replaced by a getter since, the getter runs, and the
 * result is false unless it returns the old part.
 */
export function isUnaltered(value: unknown, known: Json | undefined): boolean {
  try {
    return hasParts(value, known)
  } catch {
    return false
  }
}

function hasParts(value: unknown, known: unknown): boolean {
  if (!isObject(value) || !isObject(known)) return value === known
  return Array.isArray(known) ? isSameArray(value, known) : isSameRecord(value, known)
}

function isSameArray(value: object, known: readonly unknown[]): boolean {
  if (!Array.isArray(value) || !isArrayPrototype(Object.getPrototypeOf(value)) || value.length !== known.length)
    return false
  // The keys are the indices and `length`.
  if (Reflect.ownKeys(value).length !== known.length + 1) return false
  for (let index = 0; index < known.length; index++) if (!hasParts(value[index], known[index])) return false
  return true
}

function isSameRecord(value: object, known: object): boolean {
  if (Array.isArray(value) || !isObjectPrototype(Object.getPrototypeOf(value))) return false
  const keys = Reflect.ownKeys(value)
  const copied = Object.keys(known)
  if (keys.length !== copied.length) return false
  for (let index = 0; index < keys.length; index++) {
    const key = copied[index]
    if (key !== keys[index] || key === undefined || !hasParts(Reflect.get(value, key), Reflect.get(known, key)))
      return false
  }
  return true
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** The prototype of plain objects, in this realm or another (node:vm). */
export function isObjectPrototype(prototype: unknown): boolean {
  if (prototype === null || prototype === Object.prototype) return true
  return (
    typeof prototype === 'object' &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf')
  )
}

/** The prototype of arrays, in this realm or another; the prototype of a subclass is not an array. */
export function isArrayPrototype(prototype: unknown): boolean {
  return prototype === Array.prototype || Array.isArray(prototype)
}
