import { setTimeout as sleep } from 'node:timers/promises'
import { SessError } from '../error.js'
import type { TimeLimit } from './time-limit.js'

/** A burst of 64 concurrent writers needed 11. */
const MAX_ATTEMPTS = 40
const MAX_PAUSE_MS = 32
/** A login or a logout is not kept waiting, so it wins its share against the writers of any number of processes. */
const MAX_URGENT_ATTEMPTS = 100

/**
 * Repeats a compare-and-swap within the limit until it succeeds, that is, until `attempt` resolves with a value other
 * than `undefined`. Pauses are random, since writers that wait equally long collide again.
 */
export function retry<T>(limit: TimeLimit, attempt: () => Promise<T | undefined>): Promise<T> {
  return limit.bound(repeat(MAX_ATTEMPTS, attempt, pause))
}

/** As `retry`, without pauses and with more attempts. The store bounds the first attempt, so the limit need not. */
export async function retryUrgently<T>(limit: TimeLimit, attempt: () => Promise<T | undefined>): Promise<T> {
  return (await attempt()) ?? limit.bound(repeat(MAX_URGENT_ATTEMPTS - 1, attempt))
}

function pause(attempts: number): Promise<void> {
  return sleep(Math.random() * Math.min(MAX_PAUSE_MS, 2 ** attempts))
}

async function repeat<T>(
  attempts: number,
  attempt: () => Promise<T | undefined>,
  wait?: (attempts: number) => Promise<void>,
): Promise<T> {
  for (let count = 0; count < attempts; count++) {
    if (count > 1) await wait?.(count)
    const result = await attempt()
    if (result !== undefined) return result
  }
  throw new SessError(
    'CONFLICT',
    'Other requests changed the session each time that this one tried to store it. Try the request again.',
  )
}
