import { isError, SessError } from '../error.js'
import { isObject, isSame } from './compare.js'
import type { StandardSchema } from './standard-schema.js'
import { storable } from './storable.js'
import { type Json, setValue, valueAt, type Values } from './values.js'

/** What a schema says of values. */
export interface Verdict {
  /** What it makes of them. `undefined`: nothing, since it has something against them, or they lack keys. */
  readonly made: Values | undefined
  readonly refusals: readonly Refusal[]
}

/** Something that a schema has against values. Nothing in it is a value, or the schema's own message, which may repeat one. */
export interface Refusal {
  /** Begins with a key of the values. Empty: it is against the values as a whole. */
  readonly path: readonly string[]
  readonly why: string
}

/**
 * Asks a schema about the values of a session. A session may lack any key, so that a key is missing is no refusal. `owner` is
 * the key of the user's id: a schema may check it and not alter it, since the user's sessions are listed by what is stored.
 */
export function ask(schema: StandardSchema, values: Values, owner: string | undefined): Verdict {
  let result: unknown
  try {
    // A copy, since the schema may alter what it is given.
    result = schema['~standard'].validate(JSON.parse(JSON.stringify(values)))
  } catch (error) {
    return against(
      `the schema threw ${isError(error) ? `a ${error.name}` : 'something'}; let it report an issue instead`,
    )
  }
  if (isObject(result)) {
    if ('then' in result && typeof result.then === 'function') return againstPromise(result)
    if ('issues' in result && Array.isArray(result.issues)) return refusing(values, result.issues)
    if ('value' in result) return making(values, result.value, owner)
  }
  return against('the schema answered with neither a value nor issues')
}

function against(why: string, path: readonly string[] = []): Verdict {
  return { made: undefined, refusals: [{ path, why }] }
}

function againstPromise(result: object): Verdict {
  Promise.resolve(result).catch(() => undefined)
  return against(
    'the schema answered with a promise, and a session does not wait for it; use a schema that is not asynchronous. ' +
      'Zod also answers with a promise where a function in the schema threw',
  )
}

function refusing(values: Values, issues: readonly unknown[]): Verdict {
  // Not `map`, which makes another array of the library's own class.
  const paths = Array.from(issues, (issue) => (isObject(issue) && 'path' in issue ? pathOf(issue.path) : []))
  const present = paths.filter(([key]) => key === undefined || Object.hasOwn(values, key))
  return { made: undefined, refusals: present.map((path) => ({ path, why: whyNot(values, path) })) }
}

function pathOf(path: unknown): readonly string[] {
  if (!Array.isArray(path)) return []
  return Array.from(path, (part: unknown) => String(isObject(part) && 'key' in part ? part.key : part))
}

function whyNot(values: Values, path: readonly string[]): string {
  if (path.length === 0) return 'the values do not fit together'
  let value: unknown = values
  for (const part of path) value = isObject(value) && Object.hasOwn(value, part) ? Reflect.get(value, part) : undefined
  return `it is ${kindOf(value)}`
}

function making(values: Values, output: unknown, owner: string | undefined): Verdict {
  if (!isObject(output) || Array.isArray(output)) return against(`the schema makes ${kindOf(output)} of a session`)
  const made: Record<string, Json> = {}
  const refusals: Refusal[] = []
  const refuse = (key: string, why: string) => refusals.push({ path: Object.hasOwn(values, key) ? [key] : [], why })
  for (const [key, value] of Object.entries(output)) {
    if (value === undefined || value === null) continue
    try {
      setValue(made, key, storable(value, key))
    } catch (error) {
      if (!(error instanceof SessError)) throw error
      refuse(key, 'the schema makes of it what a session cannot hold')
    }
  }
  if (owner !== undefined && !isSame(valueAt(made, owner), valueAt(values, owner)))
    refuse(
      owner,
      "the schema alters it, and it is the key of the option owner: a user's sessions are listed by what is stored",
    )
  return refusals.length > 0 ? { made: undefined, refusals } : { made, refusals }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
