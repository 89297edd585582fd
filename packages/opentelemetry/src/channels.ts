import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { type Context, context } from '@opentelemetry/api'
import type {
  BeginMessage,
  CommitMessage,
  ConflictMessage,
  EndMessage,
  LoginMessage,
  MigrateMessage,
  OpenMessage,
  StoreMessage,
} from '@sess/core'
import { ActiveContext } from './active-context.js'
import { guard } from './guard.js'

/** The tracing channels of core, and what it publishes there. */
interface Traced {
  'sess.open': OpenMessage
  'sess.commit': CommitMessage
  'sess.store': StoreMessage
}

/** The other channels of core, and the part of a tracing channel that tells that a commit has ended. */
interface Told {
  'tracing:sess.commit:asyncEnd': CommitMessage
  'sess.begin': BeginMessage
  'sess.login': LoginMessage
  'sess.end': EndMessage
  'sess.conflict': ConflictMessage
  'sess.migrate': MigrateMessage
}

/** An operation that is under way. */
export interface Operation {
  /** What is active while it runs. */
  readonly active: Context
  /** Called when the operation has ended, and its message is complete. */
  readonly end: () => void
}

/** Begins with each operation of a tracing channel, and ends with it. Returns what unsubscribes. */
export function follow<N extends keyof Traced>(name: N, begin: (message: Traced[N]) => Operation): () => void {
  const { start } = tracingChannel<Context, Traced[N]>(name)
  const activeContext = new ActiveContext()
  const underWay = new WeakMap<object, Operation>()
  const ended = `tracing:${name}:asyncEnd`

  start.bindStore(activeContext, (message) => {
    const operation = guard(() => begin(message))
    if (operation === undefined) return context.active()
    underWay.set(message, operation)
    return operation.active
  })
  const finish = (message: unknown): void => guard(() => underWay.get(message as Traced[N])?.end())
  subscribe(ended, finish)
  return () => {
    start.unbindStore(activeContext)
    unsubscribe(ended, finish)
  }
}

/** Calls `record` with each message of a channel. Returns what unsubscribes. */
export function listen<N extends keyof Told>(name: N, record: (message: Told[N]) => void): () => void {
  // Core publishes nothing else there.
  const hear = (message: unknown): void => guard(() => record(message as Told[N]))
  subscribe(name, hear)
  return () => void unsubscribe(name, hear)
}
