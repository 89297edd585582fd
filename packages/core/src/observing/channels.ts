/** A channel of `node:diagnostics_channel`, as far as core uses it. */
interface Channel {
  readonly hasSubscribers: boolean
  publish(message: object): void
}

/** A tracing channel: five channels, of which the first may bind stores of `AsyncLocalStorage`. */
export interface TracingChannel {
  readonly start: Channel & { runStores<T>(message: object, work: () => T): T }
  readonly end: Channel
  readonly asyncStart: Channel
  readonly asyncEnd: Channel
  readonly error: Channel
}

interface Channels {
  readonly open: TracingChannel
  readonly commit: TracingChannel
  readonly store: TracingChannel
  readonly begin: Channel
  readonly login: Channel
  readonly end: Channel
  readonly conflict: Channel
  readonly migrate: Channel
}

/** What stands for the channels of a runtime that has none. */
const SILENT = {
  hasSubscribers: false,
  publish: (): void => undefined,
  runStores: <T>(_message: object, work: () => T): T => work(),
}

const SILENT_TRACING: TracingChannel = {
  start: SILENT,
  end: SILENT,
  asyncStart: SILENT,
  asyncEnd: SILENT,
  error: SILENT,
}

let made: Channels | undefined

/** The channels of the process. Made when they are first needed: importing core asks the runtime nothing. */
export function channels(): Channels {
  return (made ??= make())
}

function make(): Channels {
  const diagnostics = diagnosticsChannel()
  const channel = (name: string): Channel => diagnostics?.channel(`sess.${name}`) ?? SILENT
  const tracing = (name: string): TracingChannel => diagnostics?.tracingChannel(`sess.${name}`) ?? SILENT_TRACING
  return {
    open: tracing('open'),
    commit: tracing('commit'),
    store: tracing('store'),
    begin: channel('begin'),
    login: channel('login'),
    end: channel('end'),
    conflict: channel('conflict'),
    migrate: channel('migrate'),
  }
}

/** `undefined`: this runtime has none, or not all of it. */
function diagnosticsChannel(): typeof import('node:diagnostics_channel') | undefined {
  const found = process.getBuiltinModule('node:diagnostics_channel')
  return typeof found?.tracingChannel === 'function' ? found : undefined
}

/** As `tracingChannel.hasSubscribers`, which Node 20 does not have. */
export function isTraced({ start, end, asyncStart, asyncEnd, error }: TracingChannel): boolean {
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  )
}
