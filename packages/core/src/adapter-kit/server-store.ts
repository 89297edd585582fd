import { setImmediate } from 'node:timers/promises'
import type { Entry, Lack, ServerStore, Stored, Version } from '../contract.js'
import { CallsInFlight } from './calls-in-flight.js'
import { isSessError, safeCause, SessError } from '../error.js'

type Answer<T> = T | Promise<T>

/** A server store's own operations, as the contract has its methods. They are never called after `close`, nor `close` twice. */
export interface ServerOperations {
  /** The adapter's name, for messages. */
  readonly name: string
  /** The longest `data`, in UTF-8 bytes. */
  readonly maxBytes: number
  /** Milliseconds. */
  readonly deadline: number
  /** What the backend cannot do. Default: nothing. */
  readonly lacks?: readonly Lack[]
  /** Stores a new entry. `null`: the key is taken. */
  create(key: string, entry: Entry): Answer<Version | null>
  /** `null`: no such entry. Throws `corrupt(name)` for what is none. */
  read(key: string): Answer<Stored | null>
  /** Replaces the entry if `version` is current. `null`: it is not. */
  update(key: string, entry: Entry, version: Version): Answer<Version | null>
  /** Removes what is under the key, if anything is. */
  destroy(key: string): Answer<void>
  /** Releases the backend. */
  close(): Answer<void>
  /**
   * Removes what expired at or before `now`, a bounded step at a time, and yields how many each step removed. Between
   * two steps the event loop gets its turn; `close` waits for the step under way and not for all of them.
   */
  prune?(now: number): Iterable<number> | AsyncIterable<number>
  /** What an error of the client means. `undefined`, and every error where this is left out: `UNAVAILABLE`. */
  mapError?(error: unknown): SessError | undefined
  /**
   * Called when a call has not been answered within the deadline and was rejected, with the time at which it began
   * (`performance.now()`): the moment to drop a connection that it is stuck on.
   */
  onTimeout?(began: number): void
  /** The operations keep the deadline by themselves, so that nothing need watch it: they never wait, say. */
  readonly ownsDeadline?: boolean
}

/**
 * The error `UNAVAILABLE`: the backend of a store could not be reached, could not do what it was asked, or has no room.
 * `error` becomes its `cause`, by way of `safeCause`.
 */
export function unavailable(name: string, error?: unknown): SessError {
  const cause = error === undefined ? undefined : safeCause(error)
  const code = cause && 'code' in cause && typeof cause.code === 'string' ? `: ${cause.code}` : ''
  return new SessError('UNAVAILABLE', `The ${name} store failed${code}.`, { cause })
}

/** The error `CORRUPT`: what lies under a key in a store's backend is not an entry of its own. */
export function corrupt(name: string): SessError {
  return new SessError(
    'CORRUPT',
    `What the ${name} store found under a session's key is no entry that it wrote. Does something else write there?`,
  )
}

/**
 * Makes a server store of its operations, adding what every store needs:
 * - `UNAVAILABLE` once a call has taken `deadline` milliseconds, whatever the client does;
 * - the client's errors as `SessError`s, with a `cause` that shows nothing of what was sent;
 * - `CLOSED` after `close`, and a `close` that may be called again, lets calls in flight end first, and itself takes
 *   no longer than `deadline`.
 */
export function serverStore(operations: ServerOperations): ServerStore {
  const { name, maxBytes, deadline, lacks } = operations
  const prune = operations.prune?.bind(operations)
  const calls = new CallsInFlight({
    deadline: operations.ownsDeadline === true ? Infinity : deadline,
    late: () => new SessError('UNAVAILABLE', `The ${name} store did not answer within ${deadline} ms.`),
    mapError: (error) => (isSessError(error) ? error : (operations.mapError?.(error) ?? unavailable(name, error))),
    onLate: operations.onTimeout?.bind(operations),
  })
  let closing: Promise<void> | undefined

  function run<T>(call: () => Answer<T>): Promise<T> {
    if (closing === undefined) return calls.run(call)
    return Promise.reject(new SessError('CLOSED', `The ${name} store is closed.`))
  }

  async function runPrune(steps: Iterable<number> | AsyncIterable<number>): Promise<number> {
    const iterator = Symbol.asyncIterator in steps ? steps[Symbol.asyncIterator]() : steps[Symbol.iterator]()
    let removed = 0
    for (;;) {
      const step = await run(() => iterator.next())
      if (step.done === true) return removed
      removed += step.value
      await setImmediate()
      if (closing !== undefined) {
        await iterator.return?.()
        return removed
      }
    }
  }

  async function shut(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, deadline)))
    await Promise.race([late, calls.idle()])
    // Their own time may come a moment later.
    calls.end()
    await Promise.race([late, release()])
    clearTimeout(timer)
  }

  async function release(): Promise<void> {
    try {
      await operations.close()
    } catch {
      // Every write was answered before: that a backend which is down takes no leave loses nothing.
    }
  }

  return {
    contract: 1,
    kind: 'server',
    name,
    maxBytes,
    deadline,
    ...(lacks && { lacks }),
    create: (key, entry) => run(() => operations.create(key, entry)),
    read: (key) => run(() => operations.read(key)),
    update: (key, entry, version) => run(() => operations.update(key, entry, version)),
    destroy: (key) => run(() => operations.destroy(key)),
    ...(prune && { prune: async (now: number) => runPrune(prune(now)) }),
    close: () => (closing ??= shut()),
  }
}
