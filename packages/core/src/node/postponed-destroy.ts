import type { Restore } from './native-calls.js'
import type { NodeResponse } from './response.js'

/** A response or its socket. Node passes `null` for no error. */
interface Destroyable {
  readonly writableEnded?: boolean
  destroy(error?: Error | null): unknown
  [POSTPONED]?: Postponed
}

/** Kept on the object: a socket may carry several held responses, and another one after them. */
interface Postponed {
  count: number
  isDue: boolean
  restore: Restore
}

const POSTPONED: unique symbol = Symbol('postponed destroy')

/**
 * Puts off `destroy()` of an ended response and of its socket, until the result is called. Without the gate an ended
 * response has been written, so code may destroy the connection then: `next(error)` in Express does.
 */
export function postponeDestroy(response: NodeResponse): Restore {
  const socket = socketOf(response)
  const restoreResponse = postpone(response, () => false)
  // Node ends the socket of a client that has gone, and then destroys it.
  const restoreSocket = socket === undefined ? nothing : postpone(socket, () => socket.writableEnded === true)
  return () => {
    restoreResponse()
    restoreSocket()
  }
}

function postpone(target: Destroyable, isOver: () => boolean): Restore {
  const postponed = (target[POSTPONED] ??= { count: 0, isDue: false, restore: nothing })
  if (postponed.count++ === 0) postponed.restore = replaceDestroy(target, postponed, isOver)
  return () => {
    if (--postponed.count > 0) return
    postponed.restore()
    if (postponed.isDue) target.destroy()
  }
}

function replaceDestroy(target: Destroyable, postponed: Postponed, isOver: () => boolean): Restore {
  const methods: { destroy: (error?: Error | null) => unknown } = target
  const { destroy } = methods
  methods.destroy = (error) => {
    if (error || isOver()) return Reflect.apply(destroy, target, [error])
    postponed.isDue = true
    return target
  }
  return () => void (methods.destroy = destroy)
}

function socketOf({ req }: NodeResponse): Destroyable | undefined {
  if (typeof req !== 'object' || req === null || !('socket' in req)) return undefined
  return isDestroyable(req.socket) ? req.socket : undefined
}

function isDestroyable(value: unknown): value is Destroyable {
  return typeof value === 'object' && value !== null && 'destroy' in value && typeof value.destroy === 'function'
}

function nothing(): void {}
