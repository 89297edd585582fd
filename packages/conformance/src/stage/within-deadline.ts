import type { ServerStore } from '@sess/core/adapter'
import { Breach } from '../breach.js'

/** Milliseconds allowed beyond the deadline, for a busy machine. */
export const GRACE_MS = 1000

/** Makes a call. Rejects with a `Breach` if it does not settle within the store's deadline. */
export async function withinDeadline<T>(store: ServerStore, done: string, call: () => Promise<T>): Promise<T> {
  const began = performance.now()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const elapsed = Math.round(performance.now() - began)
      reject(new Breach(done, `settled within the deadline of ${store.deadline} ms`, `not settled after ${elapsed} ms`))
    }, store.deadline + GRACE_MS)
  })
  try {
    return await Promise.race([call(), late])
  } finally {
    clearTimeout(timer)
  }
}
