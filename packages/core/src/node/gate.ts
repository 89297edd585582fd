import type { Headers, SeenHeaders, SessionExchange } from '../exchange/exchange.js'
import { storedCookies } from '../exchange/exchanges.js'
import { failureResponse, isKeptOnFailure } from '../exchange/failure.js'
import { headerEntries, listOf } from './headers.js'
import { pretendEnded, pretendFull, pretendSent, stopPretending } from './held-response.js'
import { type BodySink, forgiveLateWrites, isCalledByHttp2, isHttp1, type Restore, watchHead } from './native-calls.js'
import { postponeDestroy } from './postponed-destroy.js'
import {
  assertChunk,
  assertReason,
  emitDrain,
  headersSent,
  isHoldable,
  type NodeResponse,
  readToItsEnd,
  statusFrom,
} from './response.js'

type Args = readonly unknown[]
type Call = (...args: Args) => unknown

/** The methods of a response that the gate holds back. */
interface Methods {
  writeHead: Call
  write: Call
  end: Call
  flushHeaders?: Call
  /** compression has it, and buffers what is written until it is called. */
  flush?: Call
}

type Method = keyof Methods

/**
 * Holds a response back until its session is stored. The first `writeHead`, `write`, `end` or `flushHeaders` seals the
 * session. If there is nothing to store, the gate is removed during that call. Otherwise calls are queued until the
 * store has answered: then the session's headers are set and the calls are made. If the store has failed, the calls are
 * dropped and the response is an error.
 */
export class Gate implements SeenHeaders {
  readonly #response: NodeResponse
  readonly #exchange: SessionExchange
  readonly #onError: (error: unknown) => void
  readonly #original: Readonly<Record<Method, Call>>
  readonly #patched: Readonly<Record<Method, Call>>
  #state: 'shut' | 'holding' | 'open' | 'failed' = 'shut'
  /** The status the response started with; it decides what is stored. */
  #status = 200
  readonly #held: { method: Method; args: Args }[] = []
  /** A `write` was held, so it returned false. */
  #owesDrain = false
  #isDraining = false
  #restores: readonly Restore[] = []
  #unwatchHead: Restore = nothing
  #destroyIfDue: Restore = nothing

  constructor(response: NodeResponse, exchange: SessionExchange, onError: (error: unknown) => void) {
    this.#response = response
    this.#exchange = exchange
    this.#onError = onError
    const methods: Methods = response
    const { writeHead, write, end, flushHeaders = nothing, flush = nothing } = methods
    this.#original = { writeHead, write, end, flushHeaders, flush }
    this.#patched = {
      writeHead: (...args) => this.#call('writeHead', args),
      write: (...args) => this.#call('write', args),
      end: (...args) => this.#call('end', args),
      flushHeaders: (...args) => this.#call('flushHeaders', args),
      flush: (...args) => this.#call('flush', args),
    }
  }

  install(): void {
    const { writeHead, write, end, flushHeaders } = this.#patched
    const methods: Methods = this.#response
    methods.writeHead = writeHead
    methods.write = write
    methods.end = end
    methods.flushHeaders = flushHeaders
    this.#unwatchHead = watchHead(this.#response, (status, reason, headers) =>
      this.#call('writeHead', [status, ...(reason === undefined ? [] : [reason]), headers]),
    )
  }

  #call(method: Method, args: Args): unknown {
    if (this.#state === 'open') return this.#pass(method, args)
    if (this.#state === 'failed') return this.#swallow(method, args)
    // Node's own checks come first, so a caller whose call is refused can still answer.
    if (method === 'write') assertChunk(args[0])
    if (method === 'end' && args[0] && typeof args[0] !== 'function') assertChunk(args[0])
    if (this.#state === 'holding') return this.#hold(method, args)
    if (method === 'flushHeaders') this.#writeHeadOfOthers()
    return this.#call(method, this.#state === 'shut' ? this.#begin(method, args) : args)
  }

  /** As Node's `flushHeaders`: middleware that has patched `writeHead` since sets its headers before the head is held. */
  #writeHeadOfOthers(): void {
    const response = this.#response
    if (response.writeHead !== this.#patched.writeHead) response.writeHead(response.statusCode)
  }

  /** Returns the arguments to pass on. */
  #begin(method: Method, args: Args): Args {
    const response = this.#response
    const canHold = isHoldable(response)
    this.#status = statusFrom(response, method === 'writeHead' ? args[0] : response.statusCode)
    const remaining = method === 'writeHead' ? this.#foldHead(args) : args
    let outcome: Headers | Promise<Headers>
    try {
      outcome = canHold ? this.#exchange.commitNow(this.#status, this) : this.#exchange.commitAtOnce(this.#status, this)
      if (!(outcome instanceof Promise)) {
        this.#open(outcome)
        return remaining
      }
    } catch (error) {
      if (!canHold) {
        this.#fail(error)
        return remaining
      }
      // A method of Node may be running, which must not find the response ended when it goes on.
      outcome = rejected(error)
    }
    this.#state = 'holding'
    this.#restores = [...pretendSent(response, this.#sink), this.#holdFlush()]
    outcome.then(
      (headers) => this.#release(headers),
      (error: unknown) => this.#fail(error),
    )
    return remaining
  }

  /** Sets the status and headers that `writeHead` was given, as Node itself does if a header was set before. */
  #foldHead(args: Args): Args {
    const response = this.#response
    const reason = args[1]
    const hasReason = typeof reason === 'string'
    if (hasReason) assertReason(response, reason)
    const headers = hasReason ? args[2] : (reason ?? args[2])
    for (const [name, value] of headerEntries(headers)) response.setHeader(name, value)
    response.statusCode = this.#status
    return hasReason ? [this.#status, reason] : [this.#status]
  }

  #open(headers: Headers): void {
    const response = this.#response
    for (const [name, value] of headers) {
      const isAdded = name === 'set-cookie'
      response.setHeader(name, isAdded ? [...listOf(response.getHeader(name)), value] : value)
    }
    this.#restore()
    this.#unwatchHead()
    this.#state = 'open'
  }

  #release(headers: Headers): void {
    if (this.#state === 'failed') return
    const response = this.#response
    const held = this.#takeHeld()
    let isFull = false
    try {
      response.statusCode = this.#status
      this.#open(headers)
      for (const { method, args } of held) isFull = this.#pass(method, args) === false
    } catch (error) {
      this.#state = 'failed'
      response.destroy(error instanceof Error ? error : undefined)
      this.#onError(error)
      return
    } finally {
      this.#destroyIfDue()
    }
    // If Node's own buffer is full, Node emits `drain`.
    if (this.#owesDrain && !isFull) process.nextTick(emitDrain, response)
  }

  /** Sends an error instead of the application's response, which would report a success that did not happen. */
  #fail(error: unknown): void {
    if (this.#state === 'failed') return
    const response = this.#response
    const held = this.#takeHeld()
    readToItsEnd(response)
    forgiveLateWrites(response)
    try {
      this.#answer(error)
    } catch (failure) {
      response.destroy(failure instanceof Error ? failure : undefined)
    }
    this.#state = 'failed'
    for (const { method, args } of held) this.#swallow(method, args)
    this.#destroyIfDue()
    this.#onError(error)
  }

  #answer(error: unknown): void {
    const response = this.#response
    const { status, body, contentType, cacheControl } = failureResponse(error)
    for (const name of response.getHeaderNames()) if (!isKeptOnFailure(name)) response.removeHeader(name)
    // Trailers: http1 announces them in the headers, http2 asks its listeners for them.
    response.stream?.removeAllListeners('wantTrailers')
    if (Object.hasOwn(response, 'statusMessage')) Object.assign(response, { statusMessage: undefined })
    response.statusCode = status
    response.setHeader('content-type', contentType)
    response.setHeader('content-length', String(body.length))
    response.setHeader('cache-control', cacheControl)
    this.#unwatchHead()
    const cookies = storedCookies(response)
    if (cookies.length > 0) response.setHeader('set-cookie', cookies)
    this.#state = 'open'
    this.#pass('end', [body])
  }

  #hold(method: Method, args: Args): unknown {
    if (method === 'writeHead' && this.#held.length > 0) {
      if (isHttp1(this.#response) || !isCalledByHttp2(this.#patched.writeHead)) {
        throw headersSent(this.#response, 'write')
      }
      return this.#response
    }
    this.#held.push({ method, args })
    if (method === 'end') {
      pretendEnded(this.#response)
      if (this.#destroyIfDue === nothing) this.#destroyIfDue = postponeDestroy(this.#response)
    }
    if (method === 'write') {
      pretendFull(this.#response)
      this.#owesDrain = true
    }
    return this.#resultOf(method)
  }

  /** Before the release, nothing is there to be flushed. A `flush` that was added since calls the gate. */
  #holdFlush(): Restore {
    const methods: Methods = this.#response
    const { flush } = this.#original
    if (flush === nothing || methods.flush !== flush) return nothing
    methods.flush = this.#patched.flush
    return () => void (methods.flush = flush)
  }

  /** What native methods write while the response is held. */
  readonly #sink: BodySink = {
    write: (args) => void this.#hold('write', args),
    end: () => void this.#hold('end', []),
    endWithLast: () => {
      // Its callback is Node's own.
      const [chunk, encoding] = this.#held.pop()?.args ?? []
      this.#hold('end', [chunk, encoding])
    },
    fail: (error) => {
      this.#takeHeld()
      this.#state = 'failed'
      this.#response.destroy()
      this.#onError(error)
    },
  }

  #takeHeld(): readonly { method: Method; args: Args }[] {
    if (this.#state === 'holding') stopPretending(this.#response, this.#restores)
    return this.#held.splice(0)
  }

  #pass(method: Method, args: Args): unknown {
    return Reflect.apply(this.#original[method], this.#response, args)
  }

  /** Behaves like a call that succeeded, so that the caller finishes its work. */
  #swallow(method: Method, args: Args): unknown {
    const callback = args.at(-1)
    if (typeof callback === 'function') process.nextTick(callback)
    this.#drainSoon()
    return this.#resultOf(method)
  }

  /** `write` returns false, so that an endless writer waits and lets other work run. */
  #resultOf(method: Method): unknown {
    if (method === 'write') return false
    return method === 'writeHead' || method === 'end' ? this.#response : undefined
  }

  #drainSoon(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    setImmediate(() => {
      this.#isDraining = false
      emitDrain(this.#response)
    })
  }

  /**
   * Puts the original methods back, except those that other code has patched since: these call the open gate.
   * Properties are assigned, not deleted, because a deletion makes the object slow for good.
   */
  #restore(): void {
    const response = this.#response
    const { writeHead, write, end, flushHeaders } = this.#original
    if (response.writeHead === this.#patched.writeHead) response.writeHead = writeHead
    if (response.write === this.#patched.write) response.write = write
    if (response.end === this.#patched.end) response.end = end
    if (response.flushHeaders === this.#patched.flushHeaders) response.flushHeaders = flushHeaders
  }

  get vary(): string | undefined {
    return textOf(this.#response.getHeader('vary'))
  }

  get cacheControl(): string | undefined {
    return textOf(this.#response.getHeader('cache-control'))
  }

  get names(): Iterable<string> {
    return this.#response.getHeaderNames()
  }
}

function nothing(): void {}

async function rejected(reason: unknown): Promise<never> {
  throw reason
}

function textOf(header: number | string | readonly string[] | undefined): string | undefined {
  return header === undefined ? undefined : String(header)
}
