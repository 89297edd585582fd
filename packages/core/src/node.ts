/** What is read of a request of node:http, node:https or node:http2 (`req`, `request.raw`, `ctx.req`). */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly socket?: { readonly encrypted?: boolean; readonly remoteAddress?: string | undefined } | null
}

/** What is used of a response of node:http, node:https or node:http2 (`res`, `reply.raw`, `ctx.res`). */
export interface NodeResponse {
  statusCode: number
  readonly req?: unknown
  readonly headersSent: boolean
  /** Of node:http2 alone. */
  readonly stream?: { removeAllListeners(event: string): unknown }
  getHeader(name: string): number | string | readonly string[] | undefined
  getHeaderNames(): string[]
  setHeader(name: string, value: unknown): unknown
  removeHeader(name: string): void
  writeHead(...args: readonly unknown[]): unknown
  write(...args: readonly unknown[]): unknown
  end(...args: readonly unknown[]): unknown
  /** Left out of the types of node:http2, where it is. */
  flushHeaders?(...args: readonly unknown[]): unknown
  on(event: string, listener: () => void): unknown
  removeListener(event: string, listener: () => void): unknown
  emit(event: string, ...args: unknown[]): boolean
  destroy(error?: Error): unknown
}

/**
 * Takes the request off the response, if it was piped there: it has to be read to its end, or the next on its connection
 * never is. Any other source is taken off, and paused, by Node itself once the response has ended.
 */
export function readToItsEnd(response: NodeResponse): void {
  const { req } = response
  if (!isReadable(req)) return
  const resume = () => void req.resume()
  // Emitted within `unpipe`, and only by what was piped.
  response.on('unpipe', resume)
  req.unpipe(response)
  response.removeListener('unpipe', resume)
}

/** Emits `drain` on whatever keeps its listeners: compression hands them to a stream of its own, which its `on` returns. */
export function emitDrain(response: NodeResponse): void {
  for (const emitter of new Set([response, response.on('drain', ignore)])) {
    if (!isEmitter(emitter)) continue
    emitter.removeListener('drain', ignore)
    emitter.emit('drain')
  }
}

const FIRST = Symbol('first')
const LAST = Symbol('last')

/**
 * Prepares a response for properties of ours, where it was given a prototype of no class, as Express gives one to each.
 * V8 then keeps a description of properties for each such object, and makes another for each property that is set, which
 * took two thirds of a session's cost on Express. An object from which a property was deleted has a hash table instead.
 */
export function loosen(response: object): void {
  const prototype: unknown = Object.getPrototypeOf(response)
  if (typeof prototype !== 'object' || prototype === null || Object.hasOwn(prototype, 'constructor')) return
  // To delete the last one that was set would only undo that.
  Object.assign(response, { [FIRST]: true, [LAST]: true })
  for (const key of [FIRST, LAST]) Reflect.deleteProperty(response, key)
}

type Refusal = 'set' | 'append' | 'remove' | 'write'

/** The error that Node throws for the same call once headers are sent. */
export function headersSent(response: NodeResponse, what: Refusal): Error {
  return response.stream
    ? coded(new Error('Response has already been initiated.'), 'ERR_HTTP2_HEADERS_SENT')
    : coded(new Error(`Cannot ${what} headers after they are sent to the client`), 'ERR_HTTP_HEADERS_SENT')
}

/** As Node reads a status, and refuses what is none: http2 takes no informational status and none beyond 599. */
export function statusFrom(response: NodeResponse, given: unknown): number {
  const status = Number(given) | 0
  const [least, most] = response.stream ? [200, 599] : [100, 999]
  if (status >= least && status <= most) return status
  const code = response.stream ? 'ERR_HTTP2_STATUS_INVALID' : 'ERR_HTTP_INVALID_STATUS_CODE'
  throw coded(new RangeError(`Invalid status code: ${String(given)}`), code)
}

/** Of http1 alone: http2 has no reason phrase, and Node warns of one that it is given. */
export function assertReason(response: NodeResponse, reason: string): void {
  if (response.stream === undefined && /[^\t\x20-\x7e\x80-\xff]/.test(reason)) {
    throw coded(new TypeError('Invalid character in statusMessage'), 'ERR_INVALID_CHAR')
  }
}

export function assertChunk(chunk: unknown): void {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return
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
