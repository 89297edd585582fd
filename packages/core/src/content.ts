import type { Entry } from './contract.js'
import type { Fields } from './fields.js'
import { randomText } from './random.js'

/** What an entry's `data` says. Times are epoch milliseconds. */
export interface Content {
  /** The session's public name, for logs; another after each login. */
  readonly handle: string
  /** When the session began, or its user last logged in. */
  readonly startedAt: number
  /** When its idle time last began anew. */
  readonly touchedAt: number
  /** The entry's expiry, as it was read; 0 where it was not read yet. Not part of `data`. */
  readonly keptUntil: number
  readonly fields: Fields
}

/** The `data` of a tombstone: the session has moved to another token, by login. */
export const TOMBSTONE = 'null'

export function newContent(now: number, fields: Fields): Content {
  return { handle: randomText(9), startedAt: now, touchedAt: now, keptUntil: 0, fields }
}

export function encode(content: Content): string {
  return JSON.stringify([content.handle, content.startedAt, content.touchedAt, content.fields])
}

/** `null`: a tombstone. `undefined`: not a session's content. */
export function decode({ data, expiresAt }: Entry): Content | null | undefined {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    return undefined
  }
  if (value === null) return null
  if (!Array.isArray(value) || value.length !== 4) return undefined
  const parts: readonly unknown[] = value
  const [handle, startedAt, touchedAt, fields] = parts
  if (typeof handle !== 'string' || !Number.isSafeInteger(startedAt) || !Number.isSafeInteger(touchedAt))
    return undefined
  if (typeof startedAt !== 'number' || typeof touchedAt !== 'number' || !isFields(fields)) return undefined
  return { handle, startedAt, touchedAt, keptUntil: expiresAt, fields }
}

/** Holds for what JSON.parse made: an object there is neither an array nor an instance of a class. */
function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
