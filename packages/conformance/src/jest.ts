/**
 * The store contract as tests of Jest.
 *
 * @module @sess/conformance/jest
 */
import type { Harness } from './harness.js'
import { notTried } from './not-tried.js'
import { runForRunner } from './runner.js'
import { inTurns, suiteOf } from './suite.js'

/** The longest time that Jest accepts, in milliseconds. Cases end themselves. */
const NO_TIMEOUT = 2 ** 31 - 1

/** What `@jest/globals` exports, or the equivalent of a compatible runner. */
export interface JestGlobals {
  /** Groups tests under a name. */
  readonly describe: (name: string, body: () => void) => void
  /** Registers a test. `test.skip` registers one that does not run. */
  readonly test: Test & { readonly skip: Test }
  /** Registers a function to call before the first test of a group. Default: the global one. */
  readonly beforeAll?: Hook
  /** Registers a function to call after the last test of a group. Default: the global one. */
  readonly afterAll?: Hook
}

type Test = (name: string, body: () => Promise<void>, timeout?: number) => void
type Hook = (body: () => Promise<void>) => void

/** The global hook of that name. */
function globalHook(name: 'beforeAll' | 'afterAll'): Hook {
  const hook: unknown = Reflect.get(globalThis, name)
  if (typeof hook !== 'function') throw new TypeError(`Pass ${name} of @jest/globals to testStore.`)
  return (body) => void Reflect.apply(hook, undefined, [body])
}

/** Registers a test for each case in a `describe` with the store's name. The tests run one after the other. */
export function testStore<O extends object>(harness: Harness<O>, globals: JestGlobals): void {
  const { describe, test, beforeAll = globalHook('beforeAll'), afterAll = globalHook('afterAll') } = globals
  const { name, cases, open, close } = suiteOf(harness)
  describe(`the ${name} store keeps the contract`, () => {
    beforeAll(async () => open())
    afterAll(async () => {
      process.stdout.write(notTried(name, cases))
      await close()
    })
    for (const one of inTurns(cases)) {
      const { title, skip, lack } = one
      // Jest cannot skip a running test, so the title states that the store is exempt and this test cannot fail.
      const note = skip === undefined ? lack && `exempt: the store lacks '${lack}'` : `skipped: ${skip}`
      const register = skip === undefined ? test : test.skip
      register(
        note === undefined ? title : `${title} (${note})`,
        async () => void (await runForRunner(one)),
        NO_TIMEOUT,
      )
    }
  })
}

export type { Backend, Harness, Place } from './harness.js'
