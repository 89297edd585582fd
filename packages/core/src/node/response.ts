/** The parts of a node:http, node:https or node:http2 response that are used (`res`, `reply.raw`, `ctx.res`). */
export interface NodeResponse {
  statusCode: number
  readonly req?: unknown
  readonly headersSent: boolean
  readonly writableFinished?: boolean
  /** node:http2 only. */
  readonly stream?: {
    readonly closed: boolean
    readonly destroyed: boolean
    respond(...args: readonly unknown[]): unknown
    write(...args: readonly unknown[]): unknown
    end(...args: readonly unknown[]): unknown
    removeAllListeners(event: string): unknown
  }
  getHeader(name: string): number | string | readonly string[] | undefined
  getHeaderNames(): string[]
  setHeader(name: string, value: unknown): unknown
  removeHeader(name: string): void
  writeHead(...args: readonly unknown[]): unknown
  write(...args: readonly unknown[]): unknown
  end(...args: readonly unknown[]): unknown
  /** node:http2 has it too, although its types do not declare it. */
  flushHeaders?(...args: readonly unknown[]): unknown
  on(event: string, listener: () => void): unknown
  removeListener(event: string, listener: () => void): unknown
  emit(event: string, ...args: unknown[]): boolean
  destroy(error?: Error): unknown
}

/**
 * Whether the gate may hold the response back: a real response of Node is sent when it ends. A test library's imitation
 * is read as soon as the handler returns. Other runtimes have no `_header`.
 */
export function isHoldable(response: NodeResponse): boolean {
  return '_header' in response || response.stream !== undefined || isOutgoingMessage(response)
}

/** Whether a response is of the class of node:http, which is not loaded for a runtime that serves without it. */
export function isOutgoingMessage(response: NodeResponse): boolean {
  return response instanceof process.getBuiltinModule('node:http').OutgoingMessage
}

/**
 * Unpipes the request from the response and reads it to its end: otherwise the next request on its connection is never
 * read. Node itself unpipes and pauses any other source once the response has ended.
 */
export function readToItsEnd(response: NodeResponse): void {
  const { req } = response
  if (!isReadable(req)) return
  const resume = () => void req.resume()
  // Emitted during `unpipe`, and only if the request was piped.
  response.on('unpipe', resume)
  req.unpipe(response)
  response.removeListener('unpipe', resume)
}

/**
 * Emits `drain` for every listener: compression adds listeners to its own stream, which the response's `on` returns.
 */
export function emitDrain(response: NodeResponse): void {
  for (const emitter of new Set([response, response.on('drain', ignore)])) {
    if (!isEmitter(emitter)) continue
    emitter.removeListener('drain', ignore)
    emitter.emit('drain')
  }
}

type Refusal = 'set' | 'append' | 'remove' | 'write'

/** The error that Node throws for the same call after the headers are sent. */
export function headersSent(response: NodeResponse, what: Refusal): Error {
  return response.stream
    ? coded(new Error('Response has already been initiated.'), 'ERR_HTTP2_HEADERS_SENT')
    : coded(new Error(`Cannot ${what} headers after they are sent to the client`), 'ERR_HTTP_HEADERS_SENT')
}

/** Reads a status as Node does, and throws as Node does: http2 refuses informational statuses and those above 599. */
export function statusFrom(response: NodeResponse, given: unknown): number {
  const status = Number(given) | 0
  const [least, most] = response.stream ? [200, 599] : [100, 999]
  if (status >= least && status <= most) return status
  const code = response.stream ? 'ERR_HTTP2_STATUS_INVALID' : 'ERR_HTTP_INVALID_STATUS_CODE'
  throw coded(new RangeError(`Invalid status code: ${String(given)}`), code)
}

/** http1 only: http2 has no reason phrase, and Node warns when it is given one. */
export function assertReason(response: NodeResponse, reason: string): void {
  if (response.stream === undefined && /[^\t\x20-\x7e\x80-\xff]/.test(reason)) {
    throw coded(new TypeError('Invalid character in statusMessage'), 'ERR_INVALID_CHAR')
  }
}

export function assertChunk(chunk: unknown): void {
  if (typeof chunk === 'string' || Buffer.isBuffer(chunk) || chunk instanceof Uint8Array) return
  if (chunk === null) throw coded(new TypeError('May not write null values to stream'), 'ERR_STREAM_NULL_VALUES')
  throw coded(new TypeError('A chunk must be a string, a Buffer or a Uint8Array.'), 'ERR_INVALID_ARG_TYPE')
}

function coded(error: Error, code: string): Error {
  return Object.assign(error, { code })
}

function ignore(): void {}

interface Source {
  unpipe(destination: unknown): unknown
  resume(): unknown
}

function isReadable(value: unknown): value is Source {
  return typeof value === 'object' && value !== null && 'unpipe' in value && 'resume' in value
}

type Emitter = Pick<NodeResponse, 'emit' | 'removeListener'>

function isEmitter(value: unknown): value is Emitter {
  return typeof value === 'object' && value !== null && 'emit' in value && 'removeListener' in value
}

export function isNodeResponse(value: unknown): value is NodeResponse {
  return typeof value === 'object' && value !== null && 'writeHead' in value && typeof value.writeHead === 'function'
}
