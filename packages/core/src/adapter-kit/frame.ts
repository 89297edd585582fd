import type { Entry, Stored, Version } from '../contract.js'
import { MAX_TIME } from '../options/duration.js'
import { randomText } from '../crypto/random.js'

const VERSION_BYTES = 12
const VERSION_LENGTH = 16
const HEADER = /^[A-Za-z0-9_-]{16}([1-9][0-9]{0,15}):/

/**
 * A random version: 16 characters of `[A-Za-z0-9_-]`, 96 bits. It never repeats, even after an entry is destroyed or
 * the backend restarts, so it suits every backend.
 */
export function newVersion(): Version {
  return randomText(VERSION_BYTES)
}

/**
 * An entry as one text, for backends that store a single value per key: the version, `expiresAt` in decimal, `:` and
 * the data. The version is the first 16 characters, so a script on the backend can compare it.
 */
export function frame({ data, expiresAt }: Entry, version: Version): string {
  return `${version}${expiresAt}:${data}`
}

/** The entry in a text that `frame` made. `undefined`: `frame` did not make the text. */
export function unframe(text: string): Stored | undefined {
  const header = HEADER.exec(text)
  if (header === null) return undefined
  const expiresAt = Number(header[1])
  if (expiresAt > MAX_TIME) return undefined
  return { data: text.slice(header[0].length), expiresAt, version: text.slice(0, VERSION_LENGTH) }
}
