import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runAttempt, runMethod } from '../src/stage/case-context.ts'
import { expectAllReleased } from '../src/stage/process-watch.ts'
import { Strays } from '../src/stage/strays.ts'

const WITHIN = 200

function startTimers(count: number, ms: number): void {
  for (let n = 0; n < count; n++) {
    const timer = setTimeout(() => {}, ms)
    onTestFinished(() => clearTimeout(timer))
  }
}

/** Asserts in a case of its own that `use` releases all that it takes. */
function watched(use: () => Promise<void>): Promise<void> {
  const attempt = { title: '7.5 a case', strays: new Strays(), isCareful: false }
  return runAttempt(attempt, () => expectAllReleased('a use', use, WITHIN))
}

describe('what a case leaves behind', () => {
  it('is found while as much of other cases ends, with its number, the method and the line', async () => {
    startTimers(20, WITHIN / 2)
    const leaking = watched(async () => runMethod('read', () => startTimers(10, 60_000)))
    await expect(leaking).rejects.toThrow(
      /received: 10 × timer of a call of read, made at startTimers \(.*process-watch\.test\.ts:\d+:\d+\)/,
    )
  })

  it('is not what other cases begin meanwhile', async () => {
    const released = watched(async () => {})
    startTimers(10, 60_000)
    await expect(released).resolves.toBeUndefined()
  })

  it('may end a little later', async () => {
    await expect(watched(async () => void sleep(WITHIN / 2))).resolves.toBeUndefined()
  })
})
