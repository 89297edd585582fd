import { setTimeout as sleep } from 'node:timers/promises'

/** Looks at it so many times, every 10 ms or so: by a clock, a machine that stands still would have taken too long. */
const LOOKS = 1000

/** Whether it comes true. */
export async function comesTrue(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    if (await condition()) return true
    await sleep(10)
  }
  return false
}
