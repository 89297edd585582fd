import type { Entry, Stored, Version } from '../contract.js'
import { MAX_TIME } from '../options/duration.js'
import { randomText } from '../crypto/random.js'

const VERSION_BYTES = 12
const VERSION_LENGTH = 16
const HEADER = /^[A-Za-z0-9_-]{16}([1-9][0-9]{0,15}):/

/**
 * A version made at random: 16 characters of `[A-Za-z0-9_-]`, 96 bits. It does not come back, whatever is written,
 * destroyed or restarted, so it is right for every backend.
 */
export function newVersion(): Version {
  return randomText(VERSION_BYTES)
}

/**
 * An entry as one text, for backends that hold a single value under a key: the version, `expiresAt` in decimal, `:`,
 * and the data. The first 16 characters are the version, so that a script on the backend can compare them.
 */
export function frame({ data, expiresAt }: Entry, version: Version): string {
  return `${version}${expiresAt}:${data}`
}

/** The entry that `frame` made a text of; `undefined` for a text that it did not make. */
export function unframe(text: string): Stored | undefined {
  const header = HEADER.exec(text)
  if (header === null) return undefined
  const expiresAt = Number(header[1])
  if (expiresAt > MAX_TIME) return undefined
  return { data: text.slice(header[0].length), expiresAt, version: text.slice(0, VERSION_LENGTH) }
}
