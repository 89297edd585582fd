import { fileURLToPath } from 'node:url'
import leven from 'leven'
import { SessError } from '../error.js'
import { CookiePolicy } from '../exchange/cookie.js'
import {
  type Check,
  type Checked,
  describe,
  integer,
  invalidOption,
  oneOf,
  optional,
  readOptions,
  text,
} from '../options/check.js'
import { duration, MAX_TIME } from '../options/duration.js'
import { missingSecret, readSetSecrets } from '../options/secret.js'
import type { ConflictPolicy } from '../session/merge.js'
import { isReserved } from '../session/reserved.js'
import type { StandardSchema } from '../session/standard-schema.js'
import type { FormerSessions } from '../storage/former.js'
import { Lifetime, type Timeouts } from '../storage/lifetime.js'
import { buildStep } from './build-step.js'
import type { CoreOptions } from './types.js'

/** Core's options, checked and with their defaults. */
export interface Settings {
  /** Empty in a build step that has none. */
  readonly secrets: readonly string[]
  /** What shows that this is such a build step. */
  readonly secretlessStep: string | undefined
  readonly lifetime: Lifetime
  readonly onConflict: ConflictPolicy
  readonly owner: string | undefined
  readonly maxPerOwner: number | undefined
  readonly migrate: readonly FormerSessions[]
  readonly schema: StandardSchema | undefined
  readonly cookie: CookiePolicy
  readonly from: string | URL | undefined
  readonly accept: readonly ('atomic' | 'fresh')[]
  readonly onError: (error: unknown) => void
  readonly clock: () => number
}

// The parameters of a function cannot be checked.
const onError: Check<(error: unknown) => void> = (value, path) => {
  if (typeof value === 'function') return value as (error: unknown) => void
  throw invalidOption(path, value, 'a function that takes an error')
}

/** The time that the function returns is checked too: a session stamped with another kind of time could not be read. */
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

/** Whether a `file:` URL names a local file. It may also name a file on another machine, or no file. */
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

const remember: Check<Checked<typeof REMEMBER_CHECKS>> = (value) => readOptions('remember', value, REMEMBER_CHECKS)

const REMEMBER_CHECKS = { idleTimeout: optional(duration), absoluteTimeout: optional(duration) }

const owner: Check<string> = (value, path) => {
  const key = text()(value, path)
  if (!isReserved(key)) return key
  throw invalidOption(path, value, `a key of the session, not the name of one of its methods`)
}

/** The options of every store, with sessions or by itself. */
export const STORE_CHECKS: {
  readonly from: Check<string | URL | undefined>
  readonly accept: Check<readonly ('atomic' | 'fresh')[]>
  readonly onError: Check<(error: unknown) => void>
  readonly clock: Check<() => number>
} = {
  from: optional(from),
  accept: optional(accept, []),
  // oxlint-disable-next-line no-console -- Without an `onError`, the console is the only place for errors.
  onError: optional(onError, (error: unknown) => console.error(error)),
  clock: optional(clock, () => Date.now()),
}

/** Checks the shape: another copy of a package may have made it. */
const migrate: Check<readonly FormerSessions[]> = (value, path) => {
  const expected = 'an array of what @sess/migrate returns, as in migrate: [cookieSession({ keys })]'
  if (!Array.isArray(value)) throw invalidOption(path, value, expected)
  return value.map((former: unknown, index) => {
    if (isFormer(former)) return former
    throw invalidOption(`${path}[${index}]`, former, expected)
  })
}

function isFormer(value: unknown): value is FormerSessions {
  if (typeof value !== 'object' || value === null) return false
  if (!('name' in value && 'cookies' in value && 'keep' in value && 'find' in value)) return false
  return typeof value.name === 'string' && Array.isArray(value.cookies) && typeof value.find === 'function'
}

const schema: Check<StandardSchema> = (value, path) => {
  if (isSchema(value)) return value
  throw invalidOption(
    path,
    value,
    'a Standard Schema, as Zod, Valibot and ArkType make, such as z.object({ … }).partial()',
  )
}

/** The schemas of ArkType are functions. */
function isSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !('~standard' in value))
    return false
  const standard = value['~standard']
  if (typeof standard !== 'object' || standard === null || !('version' in standard && 'validate' in standard))
    return false
  return standard.version === 1 && typeof standard.validate === 'function'
}

const CHECKS = {
  ...STORE_CHECKS,
  secret: readSetSecrets,
  idleTimeout: optional(duration),
  absoluteTimeout: optional(duration),
  remember: optional(remember),
  owner: optional(owner),
  maxPerOwner: optional(integer({ max: 64 })),
  migrate: optional(migrate, []),
  schema: optional(schema),
  onConflict: optional(oneOf('fail', 'overwrite'), 'fail'),
  cookie: (value: unknown) => new CookiePolicy(value === undefined ? {} : value),
} satisfies Record<keyof CoreOptions, Check<unknown>>

/** Reads core's options, and returns the others as `rest`, for the adapter. Throws `INVALID_OPTION`. */
export function readCoreOptions(given: unknown): { settings: Settings; rest: Readonly<Record<string, unknown>> } {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new SessError(
      'INVALID_OPTION',
      `The options of sessions() are ${describe(given)}; expected an object, such as { secret: process.env.SESSION_SECRET }.`,
    )
  }
  const entries = Object.entries(given)
  const own = entries.filter(([name]) => Object.hasOwn(CHECKS, name))
  const others = entries.filter(([name]) => !Object.hasOwn(CHECKS, name))
  const read = readOptions('sessions', Object.fromEntries(own), CHECKS)
  const { secret: secrets, idleTimeout, absoluteTimeout, remember: remembering, ...settings } = read
  const secretlessStep = secrets.length === 0 ? buildStep() : undefined
  if (secrets.length === 0 && secretlessStep === undefined) throw missingSecret('no secret is set.')
  if (settings.maxPerOwner !== undefined && settings.owner === undefined) {
    throw new SessError(
      'INVALID_OPTION',
      "Option maxPerOwner needs the option owner: the key of the session that holds the user's id, as in owner: 'userId'.",
    )
  }
  const lifetime = new Lifetime(
    timeoutsOf('', { idleTimeout, absoluteTimeout }, DEFAULT_TIMEOUTS),
    remembering && timeoutsOf('remember.', remembering, REMEMBERED_TIMEOUTS),
  )
  return {
    settings: { ...settings, secrets, secretlessStep, lifetime },
    rest: Object.fromEntries(others),
  }
}

const DAY = 24 * 60 * 60 * 1000
const DEFAULT_TIMEOUTS: Timeouts = { idle: DAY, absolute: 30 * DAY }
const REMEMBERED_TIMEOUTS: Timeouts = { idle: 30 * DAY, absolute: 365 * DAY }

/** A timeout that can have no effect is a mistake, unless it is the default. */
function timeoutsOf(
  prefix: string,
  given: { readonly idleTimeout: number | undefined; readonly absoluteTimeout: number | undefined },
  defaults: Timeouts,
): Timeouts {
  const { idleTimeout, absoluteTimeout } = given
  const absolute = absoluteTimeout ?? defaults.absolute
  if (idleTimeout !== undefined && idleTimeout > absolute) {
    throw new SessError(
      'INVALID_OPTION',
      `Option ${prefix}idleTimeout is ${idleTimeout} ms, longer than ${prefix}absoluteTimeout, which is ${absolute} ms${absoluteTimeout === undefined ? ' by default' : ''}: ` +
        `a session ends at the sooner of the two. Set ${prefix}absoluteTimeout to at least ${prefix}idleTimeout.`,
    )
  }
  return { idle: idleTimeout ?? Math.min(defaults.idle, absolute), absolute }
}

/** The option of core's that is spelt most like this name, if one is close. */
export function nearestCoreOption(name: string): string | undefined {
  return Object.keys(CHECKS).find((own) => leven(own.toLowerCase(), name.toLowerCase()) <= 2)
}
