import { type Check, integer, optional } from '../options/check.js'

/** The longest time that a timer of Node can wait. */
const MAX_DEADLINE_MS = 2 ** 31 - 1
const DEFAULT_DEADLINE_MS = 1000

/** The option `deadline` of a server store: how long each call may take, in milliseconds. Default 1000. */
export const deadline: Check<number> = optional(integer({ max: MAX_DEADLINE_MS }), DEFAULT_DEADLINE_MS)
