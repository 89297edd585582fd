import { codeOf } from '../error.js'
import { isHttp1, watchHttp1Body, watchHttp1Head } from './http1-calls.js'
import { Http2BodyWatch, Http2HeadWatch } from './http2-calls.js'
import { isOutgoingMessage, type NodeResponse } from './response.js'
import { type NativeCallWatcher, NO_WATCH, type Watch } from './watch.js'

/**
 * Catches the calls of Node's own methods that a handler looked up before the gate was there. JavaScript looks a method
 * up before it awaits the argument: in `res.end(await page(req, res))`, where `page` opens the session, Node's `end`
 * runs. Such a method does not call the gate, but it calls what is watched here:
 * - http1: `end`, `write` and `flushHeaders` ask the response for `writeHead`, and `writeHead` calls `_storeHeader`.
 *   `_send` reads `_header` before it writes the first part of a body by `_writeRaw`. `end` sets `finished` last.
 * - http2: `writeHead` calls the stream's `respond`; `write` and `end` call the stream's `write` and `end`.
 */

type Call = (...args: readonly unknown[]) => unknown

/** Until it is stopped, a native method that is about to write the head calls `onHead` instead. */
export function watchHead(response: NodeResponse, watcher: NativeCallWatcher): Watch {
  if (isHttp1(response)) return watchHttp1Head(response, watcher)
  if (response.stream !== undefined) return new Http2HeadWatch(response.stream, watcher)
  return isOutgoingMessage(response) ? NO_WATCH : watchFinish(response, watcher)
}

/** The `end` of an imitation may call no other method than `emit`. Some have an `emit` that does nothing. */
function watchFinish(response: NodeResponse, watcher: NativeCallWatcher): Watch {
  const methods: { emit: (event: string, ...args: unknown[]) => boolean } = response
  const { emit } = methods
  methods.emit = (event, ...args) => {
    if (event === 'finish') watcher.onFinish()
    return Reflect.apply(emit, response, [event, ...args])
  }
  return { stop: () => void (methods.emit = emit) }
}

/** Until it is stopped, `watcher` gets what native methods write. On http1 the response looks begun. */
export function watchBody(response: NodeResponse, watcher: NativeCallWatcher): Watch {
  if (isHttp1(response)) return watchHttp1Body(response, watcher)
  return response.stream === undefined ? NO_WATCH : new Http2BodyWatch(response, response.stream, watcher)
}

/** Makes writes that come after the gate has answered with an error harmless: Node's own methods would fail. */
export function forgiveLateWrites(response: NodeResponse): void {
  response.on('error', nothing)
  if (response.stream === undefined) return
  const methods: { destroy: (error?: Error) => unknown } = response
  const { destroy } = methods
  methods.destroy = (error) => (isWriteAfterEnd(error) ? response : Reflect.apply(destroy, response, [error]))
}

/**
 * Whether the caller's caller is a method of Node's http2: it asks for the head until the stream has sent it, where an
 * application would get an error.
 */
export function isCalledByHttp2(caller: Call): boolean {
  const trace: { stack?: unknown } = {}
  Error.captureStackTrace(trace, caller)
  const [, frame] = String(trace.stack).split('\n')
  return frame?.includes('node:internal/http2') ?? true
}

function isWriteAfterEnd(error: unknown): boolean {
  return codeOf(error) === 'ERR_STREAM_WRITE_AFTER_END'
}

function nothing(): void {}
