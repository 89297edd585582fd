import { type Check, integer, optional } from '../options/check.js'

/** The longest delay of a timer in Node. */
const MAX_DEADLINE_MS = 2 ** 31 - 1
const DEFAULT_DEADLINE_MS = 1000

/** The check of a server store's option `deadline`: how long a call may take, in milliseconds. Default 1000. */
export const deadline: Check<number> = optional(integer({ max: MAX_DEADLINE_MS }), DEFAULT_DEADLINE_MS)
