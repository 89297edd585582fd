import type { Entry } from '../contract.js'
import { randomText } from '../crypto/random.js'
import type { Json, Values } from '../session/values.js'

const ID_BYTES = 9

/** A session as encoded in an entry's `data`. Times are in epoch milliseconds. */
export interface SessionRecord {
  /** The session's public name, for logs. A login makes a new one, unless the session is that user's already. */
  readonly id: string
  /** When the session began, or its user last logged in. */
  readonly startedAt: number
  /** When its idle timeout last restarted. */
  readonly touchedAt: number
  /** The entry's expiry as it was read; 0 for a record that was not read from a store. Not part of `data`. */
  readonly keptUntil: number
  readonly values: Values
  /**
   * What is behind the first four elements: `1` if the session is remembered; its place in the list of its owner's
   * sessions, if it has moved; `1` if it was taken over from another library; its own idle timeout; and what a newer version has put there. It is stored again as it was.
   */
  readonly further?: readonly Json[]
}

/** What is left under the key of a session that moved to another token. */
export interface Tombstone {
  /** The store's key of the session that it moved to, and the record as it was then. Left out: the session ended. */
  readonly moved?: { readonly to: string; readonly record: SessionRecord }
}

/** The `data` of the tombstone of a session that ended: it names nothing and has nothing. */
export const ENDED = 'null'

/** How many bytes more a tombstone needs than the record in it. */
export const TOMBSTONE_BYTES = 64

export function newId(): string {
  return randomText(ID_BYTES)
}

export function newRecord(now: number, values: Values, id: string = newId()): SessionRecord {
  return { id, startedAt: now, touchedAt: now, keptUntil: 0, values }
}

/**
 * What a logout puts in the cookie of a client store if the browser also has an older cookie of another domain or path,
 * which the response cannot clear. It is newer, so the older one no longer counts, and it outlives the older one.
 */
export function endRecord(now: number): SessionRecord {
  return { ...newRecord(now, {}), id: '' }
}

export function isEnd(record: SessionRecord): boolean {
  return record.id === ''
}

const REMEMBERED = 1

/** Whether the session lives by the timeouts of remembered ones, in a cookie that survives a restart of the browser. */
export function isRemembered({ further }: SessionRecord): boolean {
  return further?.[0] === REMEMBERED
}

/** `undefined` leaves the session as it is. */
export function remembered(record: SessionRecord, isIt: boolean | undefined): SessionRecord {
  if (isIt === undefined || isIt === isRemembered(record)) return record
  const [, ...more] = record.further ?? []
  return { ...record, further: [isIt ? REMEMBERED : 0, ...more] }
}

/** The character that the shard of the session's owner is named by. `undefined`: the first one of the session's key. */
export function shardPlaceOf({ further }: SessionRecord): string | undefined {
  const place = further?.[1]
  return typeof place === 'string' && /^[\w-]$/.test(place) ? place : undefined
}

/** `undefined`: the session's own key says it. */
export function placed(record: SessionRecord, place: string | undefined): SessionRecord {
  if (place === shardPlaceOf(record)) return record
  const [flag = 0, , ...more] = record.further ?? []
  return { ...record, further: [flag, place ?? 0, ...more] }
}

const TAKEN_OVER = 1

/** Whether the session is another library's, and its user has not logged in here since: nobody knows when they did there. */
export function isTakenOver({ further }: SessionRecord): boolean {
  return further?.[2] === TAKEN_OVER
}

/** The record of another library's session. */
export function takenOver(now: number, values: Values): SessionRecord {
  return { ...newRecord(now, values), further: [0, 0, TAKEN_OVER] }
}

/** The further elements of a session whose user logs in. */
export function loggedIn(further: readonly Json[]): readonly Json[] {
  return further[2] === TAKEN_OVER ? further.with(2, 0) : further
}

/** The session's own idle timeout, in milliseconds. `undefined`: it lives as the options say. */
export function maxAgeOf({ further }: SessionRecord): number | undefined {
  const maxAge = further?.[3]
  return typeof maxAge === 'number' && maxAge > 0 ? maxAge : undefined
}

/** `undefined` leaves the session as it is; 0 is no timeout of its own. */
export function withMaxAge(record: SessionRecord, maxAge: number | undefined): SessionRecord {
  if (maxAge === undefined || maxAge === (maxAgeOf(record) ?? 0)) return record
  const [flag = 0, place = 0, taken = 0, , ...more] = record.further ?? []
  return { ...record, further: [flag, place, taken, maxAge, ...more] }
}

/** Whether a session began or logged in later than another one or, if both did so at once, was used later. */
function isNewer(one: SessionRecord, other: SessionRecord): boolean {
  if (one.startedAt !== other.startedAt) return one.startedAt > other.startedAt
  return one.touchedAt > other.touchedAt
}

/**
 * The newest of several live sessions: a browser has several cookies of our name after their domain or path was changed.
 * If several are equally old, it is the last of them, since browsers send their cookies in the order that they were made.
 */
export function newestOf<T>(all: readonly T[], recordOf: (one: T) => SessionRecord): T | undefined {
  let newest: T | undefined
  for (const one of all) if (newest === undefined || !isNewer(recordOf(newest), recordOf(one))) newest = one
  return newest
}

export function encode(record: SessionRecord): string {
  const { id, startedAt, touchedAt, values, further } = record
  return JSON.stringify(further ? [id, startedAt, touchedAt, values, ...further] : [id, startedAt, touchedAt, values])
}

/** The `data` of the tombstone of a session that moved to another key. `was` is that of the session. */
export function encodeMoved(was: string, to: string): string {
  // V8 keeps a template's parts as they are: a store in memory would hold five strings for each.
  return ['{"to":', JSON.stringify(to), ',"was":', was, '}'].join('')
}

/** `undefined`: neither a session's record nor a tombstone. */
export function decode({ data, expiresAt }: Entry): SessionRecord | Tombstone | undefined {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    return undefined
  }
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) return decodeRecord(value, expiresAt)
  const record = 'was' in value ? decodeRecord(value.was, expiresAt) : undefined
  return record && 'to' in value && typeof value.to === 'string' ? { moved: { to: value.to, record } } : undefined
}

export function isRecord(decoded: SessionRecord | Tombstone): decoded is SessionRecord {
  return 'values' in decoded
}

function decodeRecord(value: unknown, expiresAt: number): SessionRecord | undefined {
  if (!Array.isArray(value)) return undefined
  // It comes from JSON.parse.
  const parts: readonly Json[] = value
  const [id, startedAt, touchedAt, values] = parts
  if (typeof id !== 'string' || !Number.isSafeInteger(startedAt) || !Number.isSafeInteger(touchedAt)) return undefined
  if (typeof startedAt !== 'number' || typeof touchedAt !== 'number' || !isValues(values)) return undefined
  const record = { id, startedAt, touchedAt, keptUntil: expiresAt, values }
  return parts.length > 4 ? { ...record, further: parts.slice(4) } : record
}

/** The check suffices for what JSON.parse returns, which contains no instances of classes other than arrays. */
function isValues(value: Json | undefined): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
