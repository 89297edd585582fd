import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { type Context, context } from '@opentelemetry/api'
import { ActiveContext } from './active-context.js'
import { guard } from './guard.js'

/** An operation that is under way. */
export interface Operation {
  /** What is active while it runs. */
  readonly active: Context
  readonly end: () => void
}

/** Begins with each operation of a tracing channel, and ends with it. Returns what unsubscribes. */
export function follow<M extends { readonly error?: unknown }>(
  name: string,
  begin: (message: M) => Operation,
): () => void {
  const { start, end, asyncEnd } = tracingChannel<Context, M>(name)
  const activeContext = new ActiveContext()
  const underWay = new WeakMap<object, Operation>()

  start.bindStore(activeContext, (message) => {
    const operation = guard(() => begin(message))
    if (operation === undefined) return context.active()
    underWay.set(message, operation)
    return operation.active
  })
  const finish = (message: unknown): void => {
    if (typeof message !== 'object' || message === null) return
    const operation = underWay.get(message)
    underWay.delete(message)
    guard(() => operation?.end())
  }
  // What throws before there is a promise has no `asyncEnd`.
  const finishThrown = (message: unknown): void => {
    if (typeof message === 'object' && message !== null && 'error' in message && message.error !== undefined)
      finish(message)
  }
  end.subscribe(finishThrown)
  asyncEnd.subscribe(finish)
  return () => {
    start.unbindStore(activeContext)
    end.unsubscribe(finishThrown)
    asyncEnd.unsubscribe(finish)
  }
}

/** Calls `record` with each message of a channel. Returns what unsubscribes. */
export function listen<M>(name: string, record: (message: M) => void): () => void {
  const heard = (message: unknown): void => guard(() => record(message as M))
  subscribe(name, heard)
  return () => void unsubscribe(name, heard)
}
