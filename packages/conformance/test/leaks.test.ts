import { describe, expect, it } from 'vitest'
import { failuresUnderEachRunner } from './support/runners.ts'
import { SPAWN_TIMEOUT } from './support/spawn.ts'

const RELEASED = '7.5 lets the process exit after close'
const NOTHING_LEFT = '7.7 leaves nothing behind after 200 calls'
const NO_ERROR = '7.7 leaves no error unhandled in any case of the run'

describe('a full run on a store that leaks', { timeout: SPAWN_TIMEOUT }, () => {
  it.each([
    ['a timer per call', [RELEASED, NOTHING_LEFT]],
    ['an interval per instance', [RELEASED, NOTHING_LEFT]],
    ['a connection per call', [RELEASED, NOTHING_LEFT]],
    ['a listener per call', [NOTHING_LEFT, NO_ERROR]],
    ['a listener of the client per call', [NO_ERROR]],
    ['a rejection per call', [NO_ERROR]],
    ['an error per call', [NO_ERROR]],
  ])('fails the same cases under every runner: %s', async (leak, expected) => {
    const failures = await failuresUnderEachRunner('leaking', { LEAK: leak })
    expect(failures).toEqual({ 'the bare command': expected, 'node:test': expected, vitest: expected })
  })
})
