import { SessError } from '../error.js'
import { type Check, integer, optional } from '../options/check.js'

/** The longest delay of a timer in Node. */
const MAX_DEADLINE_MS = 2 ** 31 - 1
const DEFAULT_DEADLINE_MS = 1000

/** The check of a server store's option `deadline`: how long a call may take, in milliseconds. Default 1000. */
export const deadline: Check<number> = optional(integer({ max: MAX_DEADLINE_MS }), DEFAULT_DEADLINE_MS)

/**
 * Makes the error `UNAVAILABLE` of a store that did not answer within `ms` milliseconds. Its `cause` has the code
 * `ETIMEDOUT`.
 */
export function late(name: string, ms: number): SessError {
  const cause = Object.assign(new Error(`no answer within ${ms} ms`), { name: 'TimeoutError', code: 'ETIMEDOUT' })
  delete cause.stack
  return new SessError('UNAVAILABLE', `The ${name} store did not answer within ${ms} ms.`, { cause })
}

/** Settles as `work` does, or rejects as `late` says after `ms` milliseconds: for one server of several. */
export async function within<T>(name: string, ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late(name, ms)), ms)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
