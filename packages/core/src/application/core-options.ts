import { fileURLToPath } from 'node:url'
import leven from 'leven'
import { SessError } from '../error.js'
import { type CookieOptions, CookiePolicy } from '../exchange/cookie.js'
import { type Check, describe, invalidOption, oneOf, optional, readOptions } from '../options/check.js'
import { type Duration, duration, MAX_TIME } from '../options/duration.js'
import { readSecrets } from '../options/secret.js'
import type { ConflictPolicy } from '../session/merge.js'
import { Lifetime } from '../storage/lifetime.js'

/** The options of `sessions`, whatever keeps them. A `Duration` is in milliseconds, or a text such as `'24h'`. */
export interface CoreOptions {
  /**
   * At least 32 random bytes; applications that share a secret, a cookie name and a store share their
   * sessions. Several, newest first, to rotate: the first makes tokens, all are accepted.
   */
  readonly secret: string | undefined | readonly (string | undefined)[]
  /** A session ends when it was not used for so long. Default `'24h'`. */
  readonly idleTimeout?: Duration | undefined
  /** A session ends so long after it began or last logged in (`regenerate`), whatever its use. Default `'30d'`. */
  readonly absoluteTimeout?: Duration | undefined
  /**
   * When a key was read here and changed by another request before it is written: `'fail'` (the default)
   * answers 409 and stores nothing, `'overwrite'` stores it.
   */
  readonly onConflict?: ConflictPolicy | undefined
  /** The session's cookie. */
  readonly cookie?: CookieOptions | undefined
  /** The file or folder from which the adapter's package is looked for, and nowhere else. Default: the calling file, then the working directory. */
  readonly from?: string | URL | undefined
  /** Accepts a store that cannot keep a promise: without `'atomic'`, concurrent changes may be lost. */
  readonly accept?: readonly ('atomic' | 'fresh')[] | undefined
  /** Told why a response was replaced by an error. Default: `console.error`. */
  readonly onError?: ((error: unknown) => void) | undefined
  /** Tells the time by which sessions end, in epoch milliseconds. Default: `Date.now`. */
  readonly clock?: (() => number) | undefined
}

/** What core's options come to. */
export interface Settings {
  readonly secrets: readonly string[]
  readonly lifetime: Lifetime
  readonly onConflict: ConflictPolicy
  readonly cookie: CookiePolicy
  readonly from: string | URL | undefined
  readonly accept: readonly ('atomic' | 'fresh')[]
  readonly onError: (error: unknown) => void
  readonly clock: () => number
}

// A function's parameters cannot be checked.
const onError: Check<(error: unknown) => void> = (value, path) => {
  if (typeof value === 'function') return value as (error: unknown) => void
  throw invalidOption(path, value, 'a function of an error')
}

/** What it returns is checked as well: a session stamped with another kind of time could not be read again. */
const clock: Check<() => number> = (value, path) => {
  const expected = 'a function that returns epoch milliseconds'
  if (typeof value !== 'function') throw invalidOption(path, value, expected)
  const read = value as () => unknown
  const checked = (): number => {
    const now = read()
    if (typeof now === 'number' && now >= 1 && now <= MAX_TIME) return Math.floor(now)
    throw invalidOption(`${path}()`, now, expected)
  }
  checked()
  return checked
}

const from: Check<string | URL> = (value, path) => {
  if (value instanceof URL || (typeof value === 'string' && value.startsWith('file:'))) {
    if (namesFile(value)) return value
  } else if (typeof value === 'string' && /^(?![a-z]{2,}:)[^\0]+$/i.test(value)) return value
  throw invalidOption(path, value, 'a path or a file: URL, such as import.meta.url')
}

/** A `file:` URL may also name a file of another machine, or none. */
function namesFile(url: string | URL): boolean {
  try {
    return !fileURLToPath(url).includes('\0')
  } catch {
    return false
  }
}

const accept: Check<readonly ('atomic' | 'fresh')[]> = (value, path) => {
  if (!Array.isArray(value)) throw invalidOption(path, value, "an array of 'atomic' and 'fresh'")
  return value.map((word: unknown, index) => oneOf('atomic', 'fresh')(word, `${path}[${index}]`))
}

const CHECKS = {
  secret: readSecrets,
  idleTimeout: optional(duration, 24 * 60 * 60 * 1000),
  absoluteTimeout: optional(duration, 30 * 24 * 60 * 60 * 1000),
  onConflict: optional(oneOf('fail', 'overwrite'), 'fail'),
  cookie: (value: unknown) => new CookiePolicy(value === undefined ? {} : value),
  from: optional(from),
  accept: optional(accept, []),
  // oxlint-disable-next-line no-console -- A response replaced by an error is not passed over in silence.
  onError: optional(onError, (error: unknown) => console.error(error)),
  clock: optional(clock, () => Date.now()),
} satisfies Record<keyof CoreOptions, Check<unknown>>

/** Tells core's options from the adapter's, and reads core's. Throws `INVALID_OPTION`. */
export function readCoreOptions(given: unknown): { settings: Settings; rest: Readonly<Record<string, unknown>> } {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new SessError(
      'INVALID_OPTION',
      `sessions() was given ${describe(given)} for options; expected an object, such as { secret: process.env.SESSION_SECRET }.`,
    )
  }
  const entries = Object.entries(given)
  const own = entries.filter(([name]) => Object.hasOwn(CHECKS, name))
  const others = entries.filter(([name]) => !Object.hasOwn(CHECKS, name))
  const { secret, idleTimeout, absoluteTimeout, ...settings } = readOptions('sessions', Object.fromEntries(own), CHECKS)
  return {
    settings: { ...settings, secrets: secret, lifetime: new Lifetime(idleTimeout, absoluteTimeout) },
    rest: Object.fromEntries(others),
  }
}

/** The option of core's that somebody may have meant by this name. */
export function nearestCoreOption(name: string): string | undefined {
  return Object.keys(CHECKS).find((own) => leven(own.toLowerCase(), name.toLowerCase()) <= 2)
}
