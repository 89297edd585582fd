import type { ServerStore } from '@sess/core/adapter'
import { Breach } from '../breach.js'

/** Milliseconds beyond the deadline, for a machine that has much else to do. */
export const GRACE_MS = 1000

/** Settles within the store's deadline, whatever comes of the call. */
export async function withinDeadline<T>(store: ServerStore, done: string, call: () => Promise<T>): Promise<T> {
  const began = performance.now()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const elapsed = Math.round(performance.now() - began)
      reject(new Breach(done, `an end within the deadline of ${store.deadline} ms`, `none after ${elapsed} ms`))
    }, store.deadline + GRACE_MS)
  })
  try {
    return await Promise.race([call(), late])
  } finally {
    clearTimeout(timer)
  }
}
