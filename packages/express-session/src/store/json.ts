import { types } from 'node:util'
import { SessError } from '@sess/core/adapter'

/** The JSON of an object. Throws `INVALID_VALUE` for what has none. */
export function jsonOf(value: object): string {
  const json = tryJson(value)
  if (json?.startsWith('{')) return json
  throw new SessError('INVALID_VALUE', `JSON cannot carry ${culpritIn(value)}. Nothing was stored.`)
}

/** `undefined`: JSON has no text for it. The reason is not shown, since it repeats what the session holds. */
function tryJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

function culpritIn(value: unknown): string {
  if (typeof value !== 'object' || value === null) return 'the session: it is no object'
  const key = Object.keys(value).find((name) => tryJson([Reflect.get(value, name)]) === undefined)
  if (key === undefined) return 'the session: it has no keys, as an array, or its toJSON() returns something else'
  const shown = JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key)
  return `the value of the session's key ${shown}: it holds a BigInt, or an object that holds itself`
}

/** The values of a stored session. Throws `CORRUPT` for text that is none, and does not show the text. */
export function valuesOf(json: string, storeName: string): Record<string, unknown> {
  try {
    const values: unknown = JSON.parse(json)
    if (isRecord(values)) return values
  } catch {
    // The parser's error repeats the text.
  }
  throw new SessError(
    'CORRUPT',
    `An entry in the ${storeName} store is not the JSON of a session: another program has written it. ` +
      'Give that program, or SessStore, a place of its own in the store, and remove the entry.',
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** When the cookie ends, in epoch milliseconds. `undefined`: it does not say. */
export function endOf(cookie: unknown): number | undefined {
  if (typeof cookie !== 'object' || cookie === null || !('expires' in cookie)) return undefined
  const { expires } = cookie
  if (typeof expires !== 'string' && !types.isDate(expires)) return undefined
  const end = new Date(expires).getTime()
  return Number.isNaN(end) ? undefined : end
}

/**
 * A three-way merge by key: the `newest` session with what differs between the session that a request read, `base`, and its
 * own, `mine`. `parse` reads each of the three, which are JSON.
 */
export function merged(
  { base, mine, newest }: { readonly base: string; readonly mine: string; readonly newest: string },
  parse: (json: string) => object,
): Record<string, unknown> {
  // Maps, since '__proto__' is a key like any other in JSON.
  const before = new Map<string, unknown>(Object.entries(parse(base)))
  const after = new Map<string, unknown>(Object.entries(parse(mine)))
  const result = new Map<string, unknown>(Object.entries(parse(newest)))
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const value = after.get(key)
    if (JSON.stringify(before.get(key)) === JSON.stringify(value)) continue
    if (!after.has(key)) result.delete(key)
    else if (key === 'cookie') result.set(key, mergedCookie(before.get(key), value, result.get(key)))
    else result.set(key, value)
  }
  return Object.fromEntries(result)
}

/** Each request moves the end of its session. That is no change of the cookie, and must not undo another request's. */
function mergedCookie(before: unknown, after: unknown, newest: unknown): unknown {
  if (!isRecord(newest) || !isRecord(after) || !equalButEnd(before, after)) return after
  return newest['originalMaxAge'] === after['originalMaxAge'] ? { ...newest, expires: after['expires'] } : newest
}

/** Whether two cookies, as JSON has them, differ in nothing but `expires`. */
export function equalButEnd(one: unknown, other: unknown): boolean {
  return isRecord(one) && isRecord(other) && attributesOf(one) === attributesOf(other)
}

function attributesOf(cookie: Record<string, unknown>): string {
  const entries = Object.entries(cookie).map(([name, value]) => `${name}:${JSON.stringify(value)}`)
  return entries
    .filter((entry) => !entry.startsWith('expires:'))
    .toSorted()
    .join()
}
