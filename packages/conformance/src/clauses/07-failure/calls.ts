import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { isSessError, type ServerStore, type SessError, type Version } from '@sess/core/adapter'
import { Breach, describeError, expectFailure, expectThat } from '../../breach.js'
import { entry } from '../../stage/server.js'
import { graceOf, withinDeadline } from '../../stage/within-deadline.js'

const DATA = 'the confidential data of a session'

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
  expectThat(
    !shown.includes(secret),
    `the error of ${done}, inspected to any depth`,
    'no stored data',
    'the stored data',
  )
}

let recoveries = 0

/** Waits until the store works again. Throws a `Breach` if it does not within three deadlines and a grace time. */
export async function expectRecovery(store: ServerStore, done: string): Promise<void> {
  // Each attempt uses a new key, since a create that failed may have taken its key.
  const version = await whenAvailable(store, done, () => store.create(`again${++recoveries}`, entry('data')))
  expectThat(version !== null, done, 'a create that works again', 'null, for a key that was never used')
}

/** Repeats a call while it fails with `UNAVAILABLE`. Throws a `Breach` after three deadlines and a grace time. */
export async function whenAvailable<T>(store: ServerStore, done: string, call: () => Promise<T>): Promise<T> {
  const until = performance.now() + 3 * store.deadline + graceOf(store)
  for (;;) {
    try {
      return await call()
    } catch (error) {
      const isRight = isSessError(error) && error.code === 'UNAVAILABLE' && performance.now() < until
      expectThat(isRight, done, 'a call that works again', describeError(error))
      await sleep(20)
    }
  }
}

/** The result of a call through a failing connection. `undefined`: the call failed with `UNAVAILABLE`. */
export async function attempt<T>(done: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (isSessError(error) && error.code === 'UNAVAILABLE') return undefined
    throw new Breach(done, 'a result, or a SessError UNAVAILABLE', describeError(error))
  }
}
