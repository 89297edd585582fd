import type { Restore } from './native-calls.js'
import type { NodeResponse } from './response.js'

/** A response or its socket. */
interface Destroyable {
  readonly writableEnded?: boolean
  destroy(error?: Error): unknown
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
  const restores = [response, socketOf(response)].map((target) => (target === undefined ? nothing : postpone(target)))
  return () => {
    for (const restore of restores) restore()
  }
}

function postpone(target: Destroyable): Restore {
  const postponed = (target[POSTPONED] ??= { count: 0, isDue: false, restore: nothing })
  if (postponed.count++ === 0) postponed.restore = replaceDestroy(target, postponed)
  return () => {
    if (--postponed.count > 0) return
    postponed.restore()
    if (postponed.isDue) target.destroy()
  }
}

function replaceDestroy(target: Destroyable, postponed: Postponed): Restore {
  const methods: { destroy: (error?: Error) => unknown } = target
  const { destroy } = methods
  methods.destroy = (error) => {
    // An error, or the end of the client's side, means that nothing can be written any more.
    if (error !== undefined || target.writableEnded === true) return Reflect.apply(destroy, target, [error])
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
