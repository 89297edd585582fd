import { describe, expect, it } from 'vitest'
import { isNightly } from '../../../scripts/nightly.js'
import { failuresUnder } from './support/runners.ts'
import { SPAWN_TIMEOUT } from './support/spawn.ts'

const RELEASED = '7.5 lets the process exit after close'
const NOTHING_LEFT = '7.7 leaves nothing behind after 200 calls'
const NO_ERROR = '7.7 leaves no error unhandled in any case of the run'

const LEAKS = [
  ['a timer per call', [RELEASED, NOTHING_LEFT]],
  ['an interval per instance', [RELEASED, NOTHING_LEFT]],
  ['a connection per call', [RELEASED, NOTHING_LEFT]],
  ['a listener per call', [NOTHING_LEFT, NO_ERROR]],
  ['a listener of the client per call', [NO_ERROR]],
  ['a rejection per call', [NO_ERROR]],
  ['an error per call', [NO_ERROR]],
] as const

/** One of each way in which a runner may hear of a leak: what is left behind, and what nobody handled. */
const HEARD = new Set<string>(['a listener per call', 'a rejection per call'])

/** The section that looks for leaks. Its calls leak as those of the others do. */
const SECTION = '7'

describe('a run on a store that leaks', { timeout: SPAWN_TIMEOUT }, () => {
  it.each(LEAKS)('fails those cases under the bare command: %s', async (leak, expected) => {
    expect(await failuresUnder('the bare command', 'leaking', SECTION, { LEAK: leak })).toEqual(expected)
  })

  it.each(LEAKS.filter(([leak]) => isNightly || HEARD.has(leak)))(
    'fails the same cases under every other runner: %s',
    async (leak, expected) => {
      for (const runner of ['node:test', 'vitest'] as const)
        expect([runner, await failuresUnder(runner, 'leaking', SECTION, { LEAK: leak })]).toEqual([runner, expected])
    },
  )
})
