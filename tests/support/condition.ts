import { setTimeout as sleep } from 'node:timers/promises'

/** Counts attempts, about 10 ms apart, instead of time: a clock would expire while the machine is suspended. */
const LOOKS = 1000

/** Waits for the condition. Resolves with whether it came true. */
export async function comesTrue(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    if (await condition()) return true
    await sleep(10)
  }
  return false
}
