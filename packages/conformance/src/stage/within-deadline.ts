import { setImmediate as turn } from 'node:timers/promises'
import type { ServerStore } from '@sess/core/adapter'
import { Breach } from '../breach.js'
import { hangLimit, isCalm, Late } from './pace.js'

/** The share of the deadline that a call may take longer, and at least so many milliseconds, for a busy machine. */
const GRACE_SHARE = 0.25
const LEAST_GRACE_MS = 100

/** How many milliseconds longer than the deadline a call may take. */
export function graceOf({ deadline }: ServerStore): number {
  return Math.max(LEAST_GRACE_MS, GRACE_SHARE * deadline)
}

/** Waits until a promise settles, but not longer than a call of the store may take. */
export async function waitFor(store: ServerStore, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, store.deadline + graceOf(store))))
  await Promise.race([late, Promise.allSettled([promise])])
  clearTimeout(timer)
}

/**
 * Makes a call that must settle within the store's deadline. If it does not, rejects with a `Breach`, or with `Late` if
 * the case has made nothing fail and the call settles later.
 */
export async function withinDeadline<T>(store: ServerStore, done: string, call: () => Promise<T>): Promise<T> {
  const limit = store.deadline + graceOf(store)
  const began = performance.now()
  const elapsed = (): number => Math.round(performance.now() - began)
  const late = (): Breach =>
    new Breach(done, `settled within the deadline of ${store.deadline} ms`, `not settled after ${elapsed()} ms`)
  let timer: NodeJS.Timeout | undefined
  const never = new Promise<never>((_, reject) => {
    const giveUp = async (): Promise<void> => {
      // If the process was kept from running, the store's own timers come first.
      for (let turns = 0; turns < 5; turns++) await turn()
      reject(late())
    }
    timer = setTimeout(() => void giveUp(), isCalm(store) ? hangLimit(store) : limit)
  })
  try {
    const came = await Promise.race([call(), never])
    if (elapsed() <= limit || !isCalm(store)) return came
    throw new Late(`${done} settled after ${elapsed()} ms; the store's deadline is ${store.deadline} ms`)
  } finally {
    clearTimeout(timer)
  }
}
