import { setTimeout as sleep } from 'node:timers/promises'
import { SessError } from '../error.js'

/** A burst of 64 concurrent writers needed 11. */
const MAX_ATTEMPTS = 40
const MAX_PAUSE_MS = 32
/** A login or a logout is not kept waiting, so it wins its share against the writers of any number of processes. */
const MAX_URGENT_ATTEMPTS = 100

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
  throw givenUp(MAX_ATTEMPTS)
}

/** As `retry`, without pauses and with more attempts. */
export async function retryUrgently<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (let count = 0; count < MAX_URGENT_ATTEMPTS; count++) {
    const result = await attempt()
    if (result !== undefined) return result
  }
  throw givenUp(MAX_URGENT_ATTEMPTS)
}

function givenUp(attempts: number): SessError {
  return new SessError(
    'CONFLICT',
    `The session was changed by other requests ${attempts} times in a row while this one tried to store it. Try the request again.`,
  )
}
