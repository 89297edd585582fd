import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { ServerStore, Version } from '@sess/core/adapter'
import { expectThat } from '../breach.js'
import type { ServerStage } from '../stage/server.js'
import { numbers } from '../stage/text.js'

/** How many times `staggered` runs a race: with delays of as many turns of the event loop, and of as many milliseconds. */
const ROUNDS = 8

type Later = <T>(call: () => Promise<T>) => Promise<T>

/**
 * Runs a race of two instances many times, each on its own key. `later` makes its call after a delay that grows from
 * round to round, so that the call meets every step of a call that began at once.
 */
export async function staggered(
  stage: ServerStage,
  race: (key: string, stores: readonly [ServerStore, ServerStore], later: Later) => Promise<void>,
): Promise<void> {
  const stores = [stage.open(), stage.open()] as const
  for (const count of numbers(ROUNDS)) {
    await race(`turns${count}`, stores, async (call) => {
      for (const _ of numbers(count)) await turn()
      return call()
    })
    await race(`milliseconds${count}`, stores, async (call) => {
      await sleep(count + 1)
      return call()
    })
  }
}

/** Asserts that exactly one of many writes at the same time succeeded, and returns its index. `done`: the writes. */
export function expectOneWinner(done: string, versions: readonly (Version | null)[]): number {
  const winners = versions.flatMap((version, at) => (version === null ? [] : [at]))
  const [winner] = winners
  expectThat(
    winner !== undefined && winners.length === 1,
    done,
    `one of the ${versions.length} resolves with a version, and the others with null`,
    `${winners.length === 0 ? 'none' : winners.length} of the ${versions.length} resolved with a version`,
  )
  return winner
}
