import type { Json } from './content.js'
import { SessError } from './error.js'

/** Far above any sane session, far below where JSON.stringify runs out of stack. */
const MAX_DEPTH = 500

/**
 * A deep copy of a value that JSON carries unaltered (save that -0 becomes the 0 it equals); throws
 * `INVALID_VALUE` naming the path of whatever JSON would drop, change or refuse.
 */
export function storable(value: unknown, path: string): Json {
  return copy(value, path, [])
}

export function isSame(one: Json | undefined, other: Json | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

function copy(value: unknown, path: string, parents: readonly object[]): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (Number.isFinite(value)) return value
      throw invalid(path, `is ${value}`)
    case 'object':
      return value === null ? null : copyObject(value, path, parents)
    case 'undefined':
      throw invalid(path, 'is undefined; leave it out, or use null')
    default:
      throw invalid(path, `is a ${typeof value}`)
  }
}

function copyObject(value: object, path: string, parents: readonly object[]): Json {
  if (parents.includes(value)) throw invalid(path, 'contains itself')
  if (parents.length >= MAX_DEPTH) throw invalid(shorten(path), `is nested more than ${MAX_DEPTH} levels deep`)
  const within = [...parents, value]
  if (Object.getOwnPropertySymbols(value).length > 0) throw invalid(path, 'has a symbol as a key')
  if (Array.isArray(value)) {
    if (Object.keys(value).length !== value.length)
      throw invalid(path, 'is an array with holes or with named properties')
    return value.map((item: unknown, index) => copy(item, `${path}[${index}]`, within))
  }
  if (!isPlain(value)) throw invalid(path, `is ${instanceName(value)}; store what it is made of`)
  // fromEntries defines properties, so that the key __proto__ is one like any other.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item, join(path, key), within)]))
}

/** Of this realm or another (node:vm), but of no class. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return true
  return (
    typeof prototype === 'object' &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf')
  )
}

function instanceName(value: object): string {
  const constructor: unknown = value.constructor
  return typeof constructor === 'function' && constructor.name !== ''
    ? `a ${constructor.name}`
    : 'an instance of a class'
}

function join(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${shorten(JSON.stringify(key))}]`
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

function invalid(path: string, what: string): SessError {
  return new SessError(
    'INVALID_VALUE',
    `${path} ${what}: a session holds what JSON carries unaltered (strings, finite numbers, booleans, null, arrays, plain objects).`,
  )
}
