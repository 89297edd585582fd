import { setImmediate } from 'node:timers/promises'
import type { Entry, Finding, Lack, ServerStore, Stored, Version } from '../contract.js'
import { type Calls, callsOf } from './calls-in-flight.js'
import { CircuitBreaker, PROBE_MS } from './circuit-breaker.js'
import { late } from './deadline.js'
import { isSessError, safeCause, SessError } from '../error.js'
import { forLaterCallers } from '../request-io.js'

type Answer<T> = T | Promise<T>

/**
 * The operations that an adapter writes, one for each method of a server store. After `close`, none of them is called
 * again.
 *
 * `began` is the time at which the call began, by `performance.now()`. The caller is told that the call failed at
 * `began + deadline` or later, never sooner. So an operation that waits, and checks before it sends a write that this
 * time has not come, never writes behind the caller's back.
 */
export interface ServerOperations {
  /** The adapter's name. Error messages use it. */
  readonly name: string
  /** The longest `data` that the store accepts, in UTF-8 bytes. */
  readonly maxBytes: number
  /** How long a call may take, in milliseconds. */
  readonly deadline: number
  /** The guarantees that the backend cannot give. Default: none, so it gives them all. */
  readonly lacks?: readonly Lack[]
  /** Stores a new entry and returns its version. `null`: the key is taken. */
  create(key: string, entry: Entry, began: number): Answer<Version | null>
  /**
   * Returns the entry. `null`: there is none. Throws `corrupt(name)` if the backend has something else under the key.
   */
  read(key: string, began: number): Answer<Stored | null>
  /** Replaces the entry if `version` is current, and returns the new version. `null`: `version` is not current. */
  update(key: string, entry: Entry, version: Version, began: number): Answer<Version | null>
  /** Removes what is under the key, if there is anything. */
  destroy(key: string, began: number): Answer<void>
  /** Releases the backend. */
  close(): Answer<void>
  /**
   * Removes the entries that expired at or before `now` in bounded steps, and yields the number of entries that each
   * step removed. The event loop runs between two steps. `close` waits for the current step, not for all of them.
   */
  prune?(now: number): Iterable<number> | AsyncIterable<number>
  /**
   * Looks at the set-up of the backend, and returns what is wrong with it. It is asked of every server, also of one that was
   * given up.
   */
  check?(began: number): Answer<readonly Finding[]>
  /**
   * Converts an error of the client. `undefined` means `UNAVAILABLE`, and so does every error if you leave this out. If
   * the client does not give a lost connection one of Node's codes, such as `ECONNRESET`, return
   * `unavailable(name, error)` for an error with the code `CONNECTION_LOST`, so that the server can be given up.
   */
  mapError?(error: unknown): SessError | undefined
  /**
   * Called after a call was rejected because it was not answered within the deadline, and after a probe was not
   * answered within a quarter of a second. Use it to drop the connection that the call is stuck on, unless the
   * connection is still being made.
   */
  onTimeout?(began: number): void
  /**
   * The address of the server that has the key, as error messages show it. `undefined`: it is not known. Leave it out if
   * there is one server. Each server is given up by itself.
   */
  serverOf?(key: string): string | undefined
  /**
   * `true`: the operations meet the deadline themselves, for example because they never wait, so no timer is needed.
   */
  readonly ownsDeadline?: boolean
}

/**
 * Makes the error `UNAVAILABLE`: the store's backend could not be reached, could not carry out the call, or has no
 * room. The `cause` is a copy of `error` made by `safeCause`.
 */
export function unavailable(name: string, error?: unknown): SessError {
  const cause = error === undefined ? undefined : safeCause(error)
  const code = cause && 'code' in cause && typeof cause.code === 'string' ? `: ${cause.code}` : ''
  return new SessError('UNAVAILABLE', `The ${name} store failed${code}.`, { cause })
}

/** Makes the error `CORRUPT`: the store's backend has something under a key that is not an entry of this store. */
export function corrupt(name: string): SessError {
  return new SessError(
    'CORRUPT',
    `The ${name} store found something under a session's key that it did not write. Does another program write there?`,
  )
}

/**
 * Makes a server store from operations and adds what every store needs:
 * - A call that takes longer than `deadline` milliseconds rejects with `UNAVAILABLE`, even if the client still waits.
 * - Once a server has left five calls in a row unanswered, calls to it reject with `UNAVAILABLE` at once, until it answers
 *   a probe: a `read` of a key, one at a time, of a quarter of a second. A refusal is an answer. On Cloudflare Workers, a
 *   call waits for its own probe, and for no other's.
 * - The client's errors become `SessError`s. Their `cause` shows nothing of what was sent.
 * - After `close`, calls reject with `CLOSED`. `close` waits for the calls in flight, except on Cloudflare Workers, takes
 *   no longer than `deadline`, and may be called again.
 */
export function serverStore(operations: ServerOperations): ServerStore {
  const { name, maxBytes, deadline, lacks } = operations
  const prune = operations.prune?.bind(operations)
  const check = operations.check?.bind(operations)
  const inFlight = (ms: number, limit = ms): Calls =>
    callsOf({
      deadline: limit,
      late: () => late(name, ms),
      mapError: (error) => (isSessError(error) ? error : (operations.mapError?.(error) ?? unavailable(name, error))),
      onLate: operations.onTimeout?.bind(operations),
    })
  const calls = inFlight(deadline, operations.ownsDeadline === true ? Infinity : deadline)
  const probes = inFlight(Math.min(PROBE_MS, deadline))
  const breakers = new Map<string, CircuitBreaker>()
  const only = newBreaker(`The server of the ${name} store`)
  let closing: Promise<void> | undefined

  function newBreaker(server: string): CircuitBreaker {
    const breaker: CircuitBreaker = new CircuitBreaker(server, (key) =>
      probes.run((began) => operations.read(key, began), breaker),
    )
    return breaker
  }

  function breakerOf(key: string): CircuitBreaker {
    const server = operations.serverOf?.(key)
    if (server === undefined) return only
    let breaker = breakers.get(server)
    if (breaker === undefined) {
      breaker = newBreaker(`The server ${server} of the ${name} store`)
      breakers.set(server, breaker)
    }
    return breaker
  }

  function closed(): Promise<never> {
    return Promise.reject(new SessError('CLOSED', `The ${name} store is closed.`))
  }

  function send<T>(key: string, call: (began: number) => Answer<T>): Promise<T> {
    if (closing !== undefined) return closed()
    const breaker = breakerOf(key)
    if (!breaker.isOpen) return calls.run(call, breaker)
    return calls.run(async (began) => {
      await breaker.admit(key)
      return call(began)
    })
  }

  async function runPrune(steps: Iterable<number> | AsyncIterable<number>): Promise<number> {
    const iterator = Symbol.asyncIterator in steps ? steps[Symbol.asyncIterator]() : steps[Symbol.iterator]()
    let removed = 0
    for (;;) {
      const step = closing === undefined ? await calls.run(() => iterator.next()) : await closed()
      if (step.done === true) return removed
      removed += step.value
      await setImmediate()
      if (closing !== undefined) {
        await iterator.return?.()
        return removed
      }
    }
  }

  function close(): Promise<void> {
    if (closing !== undefined) return closing
    const shutting = shut()
    closing = forLaterCallers(shutting)
    return shutting
  }

  async function shut(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, deadline)))
    await Promise.race([over, calls.idle()])
    // The deadline of the calls still in flight may come a moment later.
    calls.end()
    probes.end()
    await Promise.race([over, release()])
    clearTimeout(timer)
  }

  async function release(): Promise<void> {
    try {
      await operations.close()
    } catch {
      // Every write was answered before this, so a backend that is down when it is released loses nothing.
    }
  }

  return {
    contract: 1,
    kind: 'server',
    name,
    maxBytes,
    deadline,
    ...(lacks && { lacks }),
    create: (key, entry) => send(key, (began) => operations.create(key, entry, began)),
    read: (key) => send(key, (began) => operations.read(key, began)),
    update: (key, entry, version) => send(key, (began) => operations.update(key, entry, version, began)),
    destroy: (key) => send(key, (began) => operations.destroy(key, began)),
    ...(prune && { prune: async (now: number) => runPrune(prune(now)) }),
    ...(check && { check: () => (closing === undefined ? calls.run(check) : closed()) }),
    close,
  }
}
