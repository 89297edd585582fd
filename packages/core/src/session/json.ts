import { safeCause, SessError, shorten } from '../error.js'
import type { Json } from './values.js'

/**
 * What JSON makes of a value, by its own rules (ECMA-262, 25.5.2): a date becomes its text, and a function is left out.
 * `undefined`: nothing is left. Throws `INVALID_VALUE` for what JSON refuses, such as a circle.
 */
export function jsonOf(value: unknown, key: string): Json | undefined {
  let json: unknown
  try {
    const text = JSON.stringify(value)
    json = text === undefined ? undefined : JSON.parse(text)
  } catch (error) {
    throw new SessError('INVALID_VALUE', `JSON refuses the value under session key ${shorten(JSON.stringify(key))}.`, {
      cause: safeCause(error),
    })
  }
  return isPresent(json) ? json : undefined
}

/** The check suffices for what JSON.parse returns. */
function isPresent(value: unknown): value is Json {
  return value !== undefined && value !== null
}
