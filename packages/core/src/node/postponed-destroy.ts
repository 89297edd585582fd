import type { NodeResponse } from './response.js'

/** A response, its socket, or its http2 stream. Node passes `null` for no error. */
interface Destroyable {
  readonly writableEnded?: boolean
  destroy(this: Destroyable, error?: Error | null): unknown
  [POSTPONED]?: Postponed
}

/** Kept on the object: a socket may carry several held responses, and another one after them. */
interface Postponed {
  destroy: (this: Destroyable, error?: Error | null) => unknown
  /** Node ends the socket of a client that has gone, and then destroys it. */
  readonly isSocket: boolean
  count: number
  isDue: boolean
}

const POSTPONED: unique symbol = Symbol('postponed destroy')

/**
 * Puts off `destroy()` of an ended response and of its socket, until `stopPostponing`. Without the gate an ended
 * response has been written, so code may destroy the connection then: `next(error)` in Express does.
 */
export function postponeDestroy(response: NodeResponse): void {
  postpone(response, false)
  const socket = socketOf(response)
  if (socket !== undefined) postpone(socket, true)
}

/** Call it once for each `postponeDestroy`. Destroys what would have been destroyed since, once the response is sent. */
export function stopPostponing(response: NodeResponse): void {
  const socket = socketOf(response)
  const isResponseDue = release(response)
  const isSocketDue = socket !== undefined && release(socket)
  if (!isResponseDue && !isSocketDue) return
  // A response that is sent has no connection any more, so its own `destroy` would leave the connection open.
  const destroy = () => {
    if (isResponseDue) response.destroy()
    socket?.destroy()
  }
  // Node keeps it while an earlier response of the connection is under way.
  if (response.writableFinished === true) destroy()
  else response.on('finish', destroy)
}

function postpone(target: Destroyable, isSocket: boolean): void {
  const methods: Pick<Postponed, 'destroy'> = target
  const { destroy } = methods
  const postponed = (target[POSTPONED] ??= { destroy, isSocket, count: 0, isDue: false })
  if (postponed.count++ > 0) return
  postponed.destroy = destroy
  target.destroy = postponedDestroy
}

/** Returns whether a destroy is due. */
function release(target: Destroyable): boolean {
  const postponed = target[POSTPONED]
  if (postponed === undefined || --postponed.count > 0) return false
  target.destroy = postponed.destroy
  const { isDue } = postponed
  postponed.isDue = false
  return isDue
}

function postponedDestroy(this: Destroyable, error?: Error | null): unknown {
  const postponed = this[POSTPONED]
  if (postponed === undefined) return this
  if (error || (postponed.isSocket && this.writableEnded === true)) {
    return Reflect.apply(postponed.destroy, this, [error])
  }
  postponed.isDue = true
  return this
}

function socketOf({ req, stream }: NodeResponse): Destroyable | undefined {
  // On http2, `req.socket` stands for the stream, but keeps properties that it does not know on the session's socket.
  if (stream !== undefined) return isDestroyable(stream) ? stream : undefined
  if (typeof req !== 'object' || req === null || !('socket' in req)) return undefined
  return isDestroyable(req.socket) ? req.socket : undefined
}

function isDestroyable(value: unknown): value is Destroyable {
  return typeof value === 'object' && value !== null && 'destroy' in value && typeof value.destroy === 'function'
}
