import type { ServerStore } from './contract.js'
import { SessError } from './error.js'

/** A server store's own operations. They are never called after `close`, nor `close` twice. */
export interface ServerOperations extends Omit<ServerStore, 'contract' | 'kind' | 'prune'> {
  /** `signal` is aborted by `close`, which then waits for the step under way and not for all of them. */
  prune?(now: number, signal: AbortSignal): Promise<number>
}

/**
 * Makes a server store of its operations, adding what every store needs: `CLOSED` after `close`,
 * and a `close` that may be called again and lets calls in flight end first.
 */
export function serverStore(operations: ServerOperations): ServerStore {
  const { name, maxBytes, deadline, lacks } = operations
  const prune = operations.prune?.bind(operations)
  const closed = new AbortController()
  let running = 0
  let idle: (() => void) | undefined
  let closing: Promise<void> | undefined

  async function run<T>(call: () => Promise<T>): Promise<T> {
    if (closing !== undefined) throw new SessError('CLOSED', `The ${name} store is closed.`)
    running++
    try {
      return await call()
    } finally {
      if (--running === 0) idle?.()
    }
  }

  async function shut(): Promise<void> {
    closed.abort()
    if (running > 0) await new Promise<void>((resolve) => (idle = resolve))
    await operations.close()
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
    ...(prune && { prune: (now: number) => run(() => prune(now, closed.signal)) }),
    close: () => (closing ??= shut()),
  }
}
