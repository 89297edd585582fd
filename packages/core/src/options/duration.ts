import ms from 'ms'
import { type Check, invalidOption } from './check.js'

/** Milliseconds, or a text such as `'90s'`, `'15m'`, `'24h'`, `'30d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** The latest time that a `Date` can represent, in epoch milliseconds (ECMA-262). */
export const MAX_TIME = 8.64e15

const TEXT = /^\d+(\.\d+)?(ms|s|m|h|d)$/

/** Reads a duration as whole milliseconds, rounded up. */
export const duration: Check<number> = (value, path) => {
  const parsed = typeof value === 'string' && isDurationText(value) ? Math.ceil(ms(value)) : value
  if (typeof parsed === 'number' && Number.isSafeInteger(parsed) && parsed >= 1 && parsed <= MAX_TIME) return parsed
  throw invalidOption(path, value, `milliseconds or a text such as '90s', '15m', '24h' or '30d', above zero`)
}

function isDurationText(value: string): value is ms.StringValue {
  return value.length <= 32 && TEXT.test(value)
}
