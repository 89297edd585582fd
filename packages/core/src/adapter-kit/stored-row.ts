import { isUtf8 } from 'node:buffer'
import type { Stored, Version } from '../contract.js'
import { MAX_TIME } from '../options/duration.js'
import { corrupt } from './server-store.js'

const VERSION = /^[\w-]{16}$/
const DIGITS = /^[1-9]\d{0,15}$/

/** Whether a text can be a version that `newVersion` made. */
export function isVersion(text: string): text is Version {
  return VERSION.test(text)
}

/**
 * The entry in a row with the columns `data`, `expires_at` and `version`, as a database's client returns it: texts may
 * be bytes, and numbers may be texts. Another program may have written the row, so each value is checked. Throws
 * `CORRUPT`, with the store's `name`, if it is not an entry.
 */
export function storedRow(name: string, row: unknown): Stored {
  const { data, expires_at, version }: Record<string, unknown> = { ...(typeof row === 'object' ? row : undefined) }
  const stored = { data: textOf(data), expiresAt: integerOf(expires_at), version: textOf(version) }
  if (stored.data === undefined || stored.version === undefined || !isVersion(stored.version)) throw corrupt(name)
  if (!(stored.expiresAt >= 1 && stored.expiresAt <= MAX_TIME)) throw corrupt(name)
  return { ...stored, data: stored.data, version: stored.version }
}

/** The text in a column of texts or of bytes. `undefined`: there is none. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value) ? undefined : value
  if (!(Buffer.isBuffer(value) || value instanceof Uint8Array) || !isUtf8(value)) return undefined
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()
}

/** The number in a column of integers. `NaN`: there is none. */
function integerOf(value: unknown): number {
  const isNumeric = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string'
  return isNumeric && DIGITS.test(`${value}`) ? Number(value) : Number.NaN
}
