import { safeCause, SessError, shorten } from '../error.js'
import { isArrayPrototype, isObjectPrototype } from './compare.js'
import type { ReservedKey } from './session.js'
import { type Json, setValue } from './values.js'

/**
 * `D`, if a session can hold it. A key that is the name of a method, and a type that JSON cannot carry, is replaced by
 * a type that no value has and that names the reason.
 */
export type Storable<D> = object & {
  [K in keyof D]: K extends ReservedKey
    ? Unstorable<`'${K}' is a method of every session: choose another key`>
    : K extends string
      ? StorableValue<Exclude<D[K], undefined>> | undefined
      : Unstorable<'a session has strings as keys'>
}

declare const reason: unique symbol

/** Wraps the reason in an object type, because the bare text would vanish in a union with `string`. */
interface Unstorable<Why extends string> {
  readonly [reason]: Why
}

type StorableValue<V> = V extends string | number | boolean | null | readonly Json[]
  ? V
  : V extends undefined
    ? never
    : V extends bigint | symbol | AnyFunction
      ? Unstorable<'JSON cannot carry this: store a string or a number'>
      : V extends readonly unknown[]
        ? { [K in keyof V]: StorableValue<V[K]> }
        : V extends object
          ? StorableObject<V>
          : Unstorable<'JSON cannot carry this: name a narrower type'>

/** The type of a class's instances is recognized by its methods. */
type StorableObject<V extends object> = [keyof V] extends [never]
  ? Unstorable<'JSON cannot carry this: name a narrower type'>
  : V extends (string extends keyof V ? Json : never)
    ? V
    : [MethodOf<V>] extends [never]
      ? { [K in keyof V]: K extends symbol ? Unstorable<'JSON cannot carry symbols as keys'> : StorableValue<V[K]> }
      : Unstorable<'JSON cannot carry an object with methods: store what it is made of'>

/**
 * `unknown`, if a schema that makes `D` of `I` takes what it makes: a session stores what the application assigns, which has
 * the type that the schema makes, and the schema reads it again. Otherwise, a type that no schema has and that names the
 * reason. Objects are not compared.
 */
export type Rereadable<D, I> = [Reread<D, I>] extends [never]
  ? unknown
  : Unstorable<`the schema must take what it makes of a value, and does not for '${Reread<D, I>}': it reads again what was stored`>

/** The keys whose values the schema does not take as it makes them. */
type Reread<D, I> = {
  [K in keyof D & keyof I & string]-?: Exclude<D[K], object | undefined> extends I[K] ? never : K
}[keyof D & keyof I & string]

type AnyFunction = ((...args: never) => unknown) | (abstract new (...args: never) => unknown)

type MethodOf<V> = {
  [K in keyof V]-?: [0] extends [1 & V[K]] ? never : [Extract<V[K], AnyFunction>] extends [never] ? never : K
}[keyof V]

/** Far above any sane session, far below where JSON.stringify runs out of stack. */
const MAX_DEPTH = 500

/**
 * A deep copy of the value of a session's key. JSON carries the copy unaltered, except that -0 becomes 0. Throws
 * `INVALID_VALUE` with the path of the first part that JSON would drop, change or refuse. Getters are refused and never
 * run, because a getter that throws later would throw when the response is on its way.
 */
export function storable(value: unknown, key: string): Json {
  try {
    return copy(value, key)
  } catch (error) {
    // A stack has ten frames. The frames of the copying would leave none for the line that passed the value.
    if (error instanceof SessError) Error.captureStackTrace(error, storable)
    throw error
  }
}

/** An object that is being copied, its key, and the object that contains it under that key. */
interface Level {
  readonly object: object
  readonly key: string
  readonly within: Level | undefined
  /** The number of objects down to this one, including it. */
  readonly depth: number
}

/** Without `within`, `key` is a key of the session. */
function copy(value: unknown, key: string, within?: Level): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (Number.isFinite(value)) return value
      throw invalid(`is ${value}`, key, within)
    case 'object':
      return value === null ? null : copyObject(value, key, within)
    case 'undefined':
      throw invalid('is undefined; leave it out, or use null', key, within)
    default:
      throw invalid(`is a ${typeof value}`, key, within)
  }
}

function copyObject(object: object, key: string, within?: Level): Json {
  for (let level = within; level !== undefined; level = level.within) {
    if (level.object === object) throw invalid('contains itself', key, within)
  }
  const level: Level = { object, key, within, depth: within === undefined ? 1 : within.depth + 1 }
  if (level.depth > MAX_DEPTH) throw invalid(`is nested more than ${MAX_DEPTH} levels deep`, key, within)
  try {
    return Array.isArray(object) ? copyArray(object, level) : copyRecord(object, level)
  } catch (error) {
    // A Proxy may throw at any operation.
    throw error instanceof SessError ? error : invalid('is a Proxy that cannot be read', key, within, safeCause(error))
  }
}

function copyArray(array: readonly unknown[], level: Level): Json {
  if (!isArrayPrototype(Object.getPrototypeOf(array))) throw ofClass(level)
  const keys = Reflect.ownKeys(array)
  // The order is: its indices, then `length`, then any other properties.
  if (keys.length !== array.length + 1 || keys.pop() !== 'length')
    throw invalid('is an array with holes or with named properties', level.key, level.within)
  return keys.map((key) => copyPart(nameOf(key, level), level))
}

function copyRecord(object: object, level: Level): Json {
  if (!isObjectPrototype(Object.getPrototypeOf(object))) throw ofClass(level)
  const record: Record<string, Json> = {}
  for (const key of Reflect.ownKeys(object)) {
    const name = nameOf(key, level)
    setValue(record, name, copyPart(name, level))
  }
  return record
}

function copyPart(key: string, level: Level): Json {
  const part = Reflect.getOwnPropertyDescriptor(level.object, key)
  if (part?.enumerable !== true) throw invalid(`hides its property ${shorten(key)} from JSON`, level.key, level.within)
  if (part.get || part.set) throw invalid(`has a getter or setter for ${shorten(key)}`, level.key, level.within)
  return copy(part.value, key, level)
}

function nameOf(key: string | symbol, level: Level): string {
  if (typeof key === 'string') return key
  throw invalid('has a symbol as a key', level.key, level.within)
}

function ofClass({ object, key, within }: Level): SessError {
  return invalid(`is ${instanceName(object)}; store what it is made of`, key, within)
}

function invalid(what: string, key: string, within: Level | undefined, cause?: Error): SessError {
  return new SessError(
    'INVALID_VALUE',
    `${pathText(pathOf(key, within))} ${what}: a session can hold only what JSON carries unaltered (strings, finite numbers, booleans, null, arrays, plain objects).`,
    cause && { cause },
  )
}

function pathOf(key: string, within: Level | undefined): readonly string[] {
  return within === undefined ? [key] : [...pathOf(within.key, within.within), key]
}

/** The path to a value for a message, in at most 120 characters. It begins with a key of the session; empty, it is the session. */
export function pathText([key, ...within]: readonly string[]): string {
  return key === undefined ? 'The session' : shorten(`session[${JSON.stringify(key)}]${within.map(step).join('')}`)
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
