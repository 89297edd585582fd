import { isUint8Array } from 'node:util/types'
import { randomUUID } from 'node:crypto'
import { buildStep, type Check, invalidOption } from '@sess/core/adapter'
import { unsign } from 'cookie-signature'
import { oneOrMore } from './cookies.js'

/** What a library signed its cookies with, a text or bytes. Not empty. */
export type Secret = string | Uint8Array

/**
 * A secret, or several with the newest first. `undefined`, as of a variable that the environment lacks, is
 * `INVALID_OPTION`.
 */
export type Secrets = Secret | undefined | readonly (Secret | undefined)[]

/**
 * The check of a secret that the environment of a build step may lack, as `sessions` may lack its own. Nothing that a browser
 * could send is made with the one that stands in for it.
 */
export function unlessBuilding<T>(check: Check<T>): Check<T> {
  return (value, path) => check(value === undefined && buildStep() !== undefined ? randomUUID() : value, path)
}

const secret: Check<Secret> = unlessBuilding((value, path) => {
  if ((typeof value === 'string' || isUint8Array(value)) && value.length > 0) return value
  throw invalidOption(path, value, 'the secret of the former library, a string or a Buffer that is not empty')
})

/** One secret, or several with the newest first. */
export const secrets: Check<readonly Secret[]> = oneOrMore(secret)

/**
 * The text of `text.signature`, if the signature was made with one of the secrets: HMAC-SHA-256 in base64 without padding,
 * as the library cookie-signature makes it. Each comparison takes the same time, wherever the signatures differ.
 */
export function verified(signed: string, given: readonly Secret[]): string | undefined {
  for (const one of given) {
    const value = unsign(signed, one)
    if (value !== false && value !== '') return value
  }
  return undefined
}
