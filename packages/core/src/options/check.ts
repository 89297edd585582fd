import { SessError } from '../error.js'

/** Reads one option: returns its value, or throws `INVALID_OPTION` naming `path`. */
export type Check<T> = (value: unknown, path: string) => T

/** Describes a value for a message. It never repeats a string, because the string may be a secret. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'missing'
    case 'string':
      return value === '' ? 'an empty string' : `a string of ${value.length} characters`
    case 'number':
    case 'boolean':
      return String(value)
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object'
    default:
      return `a ${typeof value}`
  }
}

/**
 * The error `INVALID_OPTION`. It names the option, describes the given value and says what is `expected`. It never
 * repeats a given string, because the string may be a secret.
 */
export function invalidOption(path: string, given: unknown, expected: string): SessError {
  return new SessError('INVALID_OPTION', `Option ${path} is ${describe(given)}; expected ${expected}.`)
}

/** An integer from `min` (default 1) to `max` (default 2^53 - 1). */
export function integer(range: { min?: number; max?: number } = {}): Check<number> {
  const { min = 1, max = Number.MAX_SAFE_INTEGER } = range
  return (value, path) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value
    throw invalidOption(path, value, `an integer from ${min} to ${max}`)
  }
}

/** A string that matches `pattern`. Default: any string that is not empty. `expected` describes it in the error. */
export function text(shape: { pattern?: RegExp; expected?: string } = {}): Check<string> {
  const { pattern = /./s, expected = 'a string that is not empty' } = shape
  return (value, path) => {
    if (typeof value === 'string' && pattern.test(value)) return value
    throw invalidOption(path, value, expected)
  }
}

/** `true` or `false`. */
export const flag: Check<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value
  throw invalidOption(path, value, 'true or false')
}

/** One of the given words. */
export function oneOf<const T extends string>(...words: readonly T[]): Check<T> {
  return (value, path) => {
    for (const word of words) if (word === value) return word
    throw invalidOption(path, value, words.map((word) => `'${word}'`).join(' or '))
  }
}

/** Makes an option optional: `undefined` if it is left out. */
export function optional<T>(check: Check<T>): Check<T | undefined>
/** Makes an option optional: `fallback` if it is left out. */
export function optional<T>(check: Check<T>, fallback: T): Check<T>
export function optional<T>(check: Check<T>, fallback?: T): Check<T | undefined> {
  return (value, path) => (value === undefined ? fallback : check(value, path))
}

/** A check for each option, by the option's name. */
export type Checks = Readonly<Record<string, Check<unknown>>>
/** The type of the options that a table of checks returns. */
export type Checked<C extends Checks> = { readonly [K in keyof C]: ReturnType<C[K]> }

/**
 * Reads an object of options by a table of checks. An option that is not in the table throws `INVALID_OPTION`, so a
 * misspelt option is not silently replaced by its default. `owner` is the first part of the names in messages, as in
 * `memory.maxEntries`.
 */
export function readOptions<C extends Checks>(owner: string, options: unknown, checks: C): Checked<C> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption(owner, options, 'an object of options')
  }
  const given = new Map(Object.entries(options))
  const known = Object.keys(checks)
  for (const name of given.keys()) {
    if (known.includes(name)) continue
    throw new SessError(
      'INVALID_OPTION',
      `Option ${owner}.${JSON.stringify(name)} is not known; ${owner} takes ${known.length === 0 ? 'none' : known.join(', ')}.`,
    )
  }
  const values = Object.entries(checks).map(([name, check]) => [name, check(given.get(name), `${owner}.${name}`)])
  // Each value was returned by the check of its key, so it has that check's type.
  return Object.fromEntries(values) as Checked<C>
}
