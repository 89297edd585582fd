import * as http from 'node:http'
import { SessError } from '../error.js'
import type { NodeResponse } from './response.js'

/**
 * Catches the calls of Node's own methods that a handler looked up before the gate was there. JavaScript looks a method
 * up before it awaits the argument: in `res.end(await page(req, res))`, where `page` opens the session, Node's `end`
 * runs. Such a method does not call the gate, but it calls what is watched here:
 * - http1: `end`, `write` and `flushHeaders` ask the response for `writeHead`, and `writeHead` calls `_storeHeader`.
 *   `_send` reads `_header` before it writes the first part of a body by `_writeRaw`. `end` sets `finished` last.
 * - http2: `writeHead` calls the stream's `respond`; `write` and `end` call the stream's `write` and `end`.
 */

type Call = (...args: readonly unknown[]) => unknown

/** Puts back what was watched. */
export type Restore = () => void

/** Called when a native method writes the head: with its status, and with headers that may be set already. */
export type OnHead = (status: unknown, reason: string | undefined, headers: unknown) => void

/** Where the parts of a body go that native methods write while the response is held. */
export interface BodySink {
  write(args: readonly unknown[]): void
  end(): void
  /** The part that was written last was written by `end`. */
  endWithLast(): void
  /** The response cannot be continued. Nothing of it was sent. */
  fail(error: unknown): void
}

/** A response of node:http. `_header` is its head as text; before that it is `null`, or `''` for serverless-http. */
interface Http1Response extends NodeResponse {
  _header: unknown
  _headerSent: boolean
  _hasBody: boolean
  _storeHeader: Call
  _implicitHeader: Call
  _writeRaw: Call
  _finish: Call
  finished: boolean
  statusMessage: string
  readonly strictContentLength?: boolean
  readonly outputData: { readonly data: unknown }[]
}

type Http2Stream = NonNullable<NodeResponse['stream']>

/** As properties, which can be replaced. */
interface Http2Methods {
  respond: Call
  write: Call
  end: Call
}

export function isHttp1(response: NodeResponse): response is Http1Response {
  return response.stream === undefined && '_header' in response
}

/** Calls `onHead` when a native method is about to write the head, instead of that, until the result is called. */
export function watchHead(response: NodeResponse, onHead: OnHead): Restore {
  if (isHttp1(response)) return watchHttp1Head(response, onHead)
  return response.stream === undefined ? nothing : watchHttp2Head(response.stream, onHead)
}

/** Hands what native methods write to `sink`, until the result is called. On http1 the response looks begun. */
export function watchBody(response: NodeResponse, sink: BodySink): Restore {
  if (isHttp1(response)) return watchHttp1Body(response, sink)
  return response.stream === undefined ? nothing : watchHttp2Body(response, response.stream, sink)
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

function watchHttp1Head(response: Http1Response, onHead: OnHead): Restore {
  const { _storeHeader, _implicitHeader, _hasBody } = response
  if (!isKnown(response)) {
    if (typeof _implicitHeader !== 'function') return nothing
    response._implicitHeader = () => {
      throw cannotWait()
    }
    return () => void (response._implicitHeader = _implicitHeader)
  }
  response._storeHeader = (_statusLine, headers) => {
    // `writeHead` has found out from the status, which an error replaces, that there is no body.
    response._hasBody = _hasBody
    onHead(response.statusCode, response.statusMessage, response.getHeaderNames().length === 0 ? headers : undefined)
  }
  return () => void (response._storeHeader = _storeHeader)
}

function isKnown({ _storeHeader, _writeRaw, _finish }: Http1Response): boolean {
  return typeof _storeHeader === 'function' && typeof _writeRaw === 'function' && typeof _finish === 'function'
}

function watchHttp1Body(response: Http1Response, sink: BodySink): Restore {
  const { _header } = response
  let release = nothing
  // Set, it makes node:http refuse changes of headers. Who reads it is about to write.
  const head = new HeldHead(() => {
    if (release === nothing) release = captureHttp1(response, head, sink)
  })
  response._header = head
  return () => {
    release()
    response._header = _header
  }
}

/** Stands for the head of a held response. Node adds it to text, or asks for its length. It is never sent. */
class HeldHead {
  readonly #onRead: () => void

  constructor(onRead: () => void) {
    this.#onRead = onRead
  }

  toString(): string {
    this.#onRead()
    return ''
  }

  get length(): number {
    this.#onRead()
    return 0
  }
}

function captureHttp1(response: Http1Response, head: HeldHead, sink: BodySink): Restore {
  const { _writeRaw, _finish } = response
  response._writeRaw = (...args) => {
    // `_send` has set it. What goes out without `_send` is informational, such as `103 Early Hints`.
    if (!response._headerSent) return Reflect.apply(_writeRaw, response, args)
    response._headerSent = false
    // `_send` puts the head there if the part is not text.
    if (response.outputData[0]?.data === head) response.outputData.shift()
    sink.write(args.slice(0, 3))
    return false
  }
  response._finish = nothing
  const finished = { configurable: true, enumerable: true }
  Object.defineProperty(response, 'finished', {
    ...finished,
    get: () => false,
    set: () => {
      // A class with an `end` of its own goes on as if Node's had sent the response: light-my-request reads it.
      if (Reflect.get(Object.getPrototypeOf(response) ?? {}, 'end') === http.OutgoingMessage.prototype.end) {
        sink.endWithLast()
        return
      }
      const error = cannotWait()
      sink.fail(error)
      throw error
    },
  })
  return () => {
    response._writeRaw = _writeRaw
    response._finish = _finish
    Object.defineProperty(response, 'finished', { ...finished, value: false, writable: true })
    // What was held is written again, and counted again.
    if (response.strictContentLength === true) setBySymbol(response, 'kBytesWritten', 0)
  }
}

function watchHttp2Head(stream: Http2Stream, onHead: OnHead): Restore {
  const methods: Http2Methods = stream
  const { respond } = methods
  methods.respond = (headers) => {
    const { ':status': status = 200, ...others } = typeof headers === 'object' ? { ...headers } : {}
    onHead(status, undefined, others)
  }
  return () => void (methods.respond = respond)
}

function watchHttp2Body(response: NodeResponse, stream: Http2Stream, sink: BodySink): Restore {
  const methods: Http2Methods = stream
  const { write, end } = methods
  methods.write = (...args) => {
    sink.write(args)
    return false
  }
  methods.end = (...args) => {
    // Node ends the stream of a request that was aborted.
    if (stream.closed || stream.destroyed) return Reflect.apply(end, stream, args)
    // The response has noted that it is ending, and would refuse to write what is held.
    if (setBySymbol(response, 'state', false, 'ending')) sink.end()
    else sink.fail(cannotWait())
    return stream
  }
  return () => {
    methods.write = write
    methods.end = end
  }
}

/** Sets what Node keeps under a symbol of its own, or a property of that. Returns whether it was there. */
function setBySymbol(target: object, description: string, value: unknown, property?: string): boolean {
  const symbol = Object.getOwnPropertySymbols(target).find((each) => each.description === description)
  if (symbol === undefined) return false
  if (property === undefined) return Reflect.set(target, symbol, value)
  const state: unknown = Reflect.get(target, symbol)
  return typeof state === 'object' && state !== null && property in state && Reflect.set(state, property, value)
}

function cannotWait(): SessError {
  return new SessError(
    'INVALID_REQUEST',
    'A method of this response that was looked up before sess.open(req, res) cannot wait for the session. Open the session ' +
      'first: write `const body = await page(req, res)` and then `res.end(body)`, instead of `res.end(await page(req, res))`.',
  )
}

function isWriteAfterEnd(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_WRITE_AFTER_END'
}

function nothing(): void {}
