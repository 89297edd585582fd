import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { isSessError, type ServerStore, type SessError, type Version } from '@sess/core/adapter'
import { Breach, describeError, expectFailure, expectThat } from '../../breach.js'
import { entry } from '../../stage/server.js'
import { GRACE_MS, withinDeadline } from '../../stage/within-deadline.js'

const DATA = 'the data of a session that nobody may see'

export type Call = readonly [name: string, call: () => Promise<unknown>]

export function callsOf(store: ServerStore, key = 'key', version: Version = 'version'): readonly Call[] {
  const prune = store.prune?.bind(store)
  return [
    ['create', () => store.create(`${key}new`, entry(DATA))],
    ['read', () => store.read(key)],
    ['update', () => store.update(key, entry(DATA), version)],
    ['destroy', () => store.destroy(`${key}gone`)],
    ...(prune ? [['prune', () => prune(1)] as const] : []),
  ]
}

export async function expectUnavailable(store: ServerStore, [name, call]: Call, when: string): Promise<void> {
  const done = `${name} ${when}`
  const error = await withinDeadline(store, done, () => expectFailure(done, call, 'UNAVAILABLE'))
  expectSafe(error, done, DATA)
}

export function expectSafe(error: SessError, done: string, secret: string): void {
  const shown = inspect(error, { depth: Infinity, showHidden: true }) + error.message + String(error.stack)
  expectThat(!shown.includes(secret), `inspect of the error of ${done}`, 'nothing of the data', 'the data')
}

let recoveries = 0

/** Until it works again by itself. */
export async function expectRecovery(store: ServerStore, done: string): Promise<void> {
  const until = performance.now() + 3 * store.deadline + GRACE_MS
  for (;;) {
    try {
      // A create that failed may have taken its key.
      if ((await store.create(`again${++recoveries}`, entry('data'))) !== null) return
      throw new Breach(done, 'a create that works again', 'null, for a key that nobody has')
    } catch (error) {
      if (error instanceof Breach) throw error
      const isRight = isSessError(error) && error.code === 'UNAVAILABLE' && performance.now() < until
      expectThat(isRight, done, 'a create that works again', describeError(error))
      await sleep(20)
    }
  }
}

/** What a write through a failing connection came to. `undefined`: it failed `UNAVAILABLE`. */
export async function attempt<T>(done: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (isSessError(error) && error.code === 'UNAVAILABLE') return undefined
    throw new Breach(done, 'its result, or a SessError UNAVAILABLE', describeError(error))
  }
}
