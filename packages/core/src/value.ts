import type { Json } from './content.js'
import { safeCause, SessError, shorten } from './error.js'

/** Far above any sane session, far below where JSON.stringify runs out of stack. */
const MAX_DEPTH = 500

/**
 * A deep copy of a value that JSON carries unaltered (save that -0 becomes the 0 it equals); throws
 * `INVALID_VALUE` naming the path of whatever JSON would drop, change or refuse. Getters are refused
 * and never run: one that throws later would do so when the response is on its way.
 */
export function storable(value: unknown, path: string): Json {
  try {
    return new Copier(path).copy(value)
  } catch (error) {
    // A stack has ten frames: those of the copying would leave none for the line that gave the value.
    if (error instanceof SessError) Error.captureStackTrace(error, storable)
    throw error
  }
}

export function isSame(one: Json | undefined, other: Json | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

class Copier {
  readonly #root: string
  /** The objects that contain what is being copied, outermost first, and the key of each next one. */
  readonly #parents: object[] = []
  readonly #keys: string[] = []

  constructor(root: string) {
    this.#root = root
  }

  copy(value: unknown): Json {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value
      case 'number':
        if (Number.isFinite(value)) return value
        throw this.#invalid(`is ${value}`)
      case 'object':
        return value === null ? null : this.#copyObject(value)
      case 'undefined':
        throw this.#invalid('is undefined; leave it out, or use null')
      default:
        throw this.#invalid(`is a ${typeof value}`)
    }
  }

  #copyObject(value: object): Json {
    if (this.#parents.includes(value)) throw this.#invalid('contains itself')
    if (this.#parents.length >= MAX_DEPTH) throw this.#invalid(`is nested more than ${MAX_DEPTH} levels deep`)
    const { isArray, parts } = this.#read(value)
    this.#parents.push(value)
    const copies = parts.map(([key, part]): [string, Json] => {
      this.#keys.push(key)
      const copied = this.copy(part)
      this.#keys.pop()
      return [key, copied]
    })
    this.#parents.pop()
    // fromEntries defines properties, so that the key __proto__ is one like any other.
    return isArray ? copies.map(([, copied]) => copied) : Object.fromEntries(copies)
  }

  /** What an object holds. A Proxy may throw at anything that is done to it. */
  #read(value: object): { isArray: boolean; parts: readonly (readonly [key: string, part: unknown])[] } {
    try {
      const isArray = Array.isArray(value)
      const prototype: unknown = Object.getPrototypeOf(value)
      if (isArray ? !isArrayPrototype(prototype) : !isObjectPrototype(prototype))
        throw this.#invalid(`is ${instanceName(value)}; store what it is made of`)
      const own = Reflect.ownKeys(value)
      // An array's own keys are its indices in order, then `length`, then whatever else it was given.
      if (isArray && (own.length !== value.length + 1 || own.pop() !== 'length'))
        throw this.#invalid('is an array with holes or with named properties')
      const parts = own.map((key): [string, unknown] => {
        if (typeof key === 'symbol') throw this.#invalid('has a symbol as a key')
        const part = Reflect.getOwnPropertyDescriptor(value, key)
        if (part?.enumerable !== true) throw this.#invalid(`hides its property ${shorten(key)} from JSON`)
        if (part.get || part.set) throw this.#invalid(`has a getter or setter in place of ${shorten(key)}`)
        return [key, part.value]
      })
      return { isArray, parts }
    } catch (error) {
      throw error instanceof SessError ? error : this.#invalid('is a Proxy that cannot be read', safeCause(error))
    }
  }

  #invalid(what: string, cause?: Error): SessError {
    return new SessError(
      'INVALID_VALUE',
      `${shorten(this.#root + this.#keys.map(step).join(''))} ${what}: a session holds what JSON carries unaltered (strings, finite numbers, booleans, null, arrays, plain objects).`,
      cause && { cause },
    )
  }
}

/** Of this realm or another (node:vm), but of no class. */
function isObjectPrototype(prototype: unknown): boolean {
  if (prototype === null || prototype === Object.prototype) return true
  return (
    typeof prototype === 'object' &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf')
  )
}

/** Of this realm or another; a subclass has a prototype that is no array itself. */
function isArrayPrototype(prototype: unknown): boolean {
  return prototype === Array.prototype || Array.isArray(prototype)
}

function instanceName(value: object): string {
  const constructor: unknown = value.constructor
  const name: unknown = typeof constructor === 'function' ? constructor.name : ''
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an instance of a class'
}

function step(key: string): string {
  if (/^\d+$/.test(key)) return `[${key}]`
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}
