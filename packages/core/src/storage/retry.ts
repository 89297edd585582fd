import { setTimeout as sleep } from 'node:timers/promises'
import { SessError } from '../error.js'

/** A burst of 64 concurrent writers needed 11. */
const MAX_ATTEMPTS = 40
const MAX_PAUSE_MS = 32

/**
 * Repeats a compare-and-swap until it succeeds, that is, until `attempt` resolves with a value other than `undefined`.
 * Pauses are random, since writers that wait equally long collide again.
 */
export async function retry<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (let count = 0; count < MAX_ATTEMPTS; count++) {
    if (count > 1) await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 2 ** count))
    const result = await attempt()
    if (result !== undefined) return result
  }
  throw new SessError(
    'CONFLICT',
    `The session was changed by other requests ${MAX_ATTEMPTS} times in a row while this one tried to store it. Try the request again.`,
  )
}
