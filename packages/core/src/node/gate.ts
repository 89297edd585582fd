import { isError } from '../error.js'
import type { SessionExchange } from '../exchange/exchange.js'
import { headerEntries, putHeaders, SeenHead } from '../exchange/head.js'
import { type Demand, mergeHeaders } from '../exchange/headers.js'
import { storedCookies } from '../exchange/exchanges.js'
import { failureResponse, isKeptOnFailure } from '../exchange/failure.js'
import { type Args, type HeldCall, HeldCalls, type Method } from './held-calls.js'
import { isHttp1 } from './http1-calls.js'
import { forgiveLateWrites, isCalledByHttp2, watchHead } from './native-calls.js'
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
import type { NativeCallWatcher, Watch } from './watch.js'

type Call = (...args: Args) => unknown

type Methods = Record<Exclude<Method, 'flushHeaders' | 'flush'>, Call> & { flushHeaders?: Call; flush?: Call }

/**
 * Holds a response back until its session is stored. The first `writeHead`, `write`, `end` or `flushHeaders` seals the
 * session. If there is nothing to store, the gate is removed during that call. Otherwise calls are queued until the
 * store has answered: then the session's headers are set and the calls are made. If the store has failed, the calls are
 * dropped and the response is an error.
 */
export class Gate implements NativeCallWatcher {
  readonly #response: NodeResponse
  readonly #exchange: SessionExchange
  readonly #onError: (error: unknown) => void
  readonly #original: Readonly<Record<Method, Call>>
  readonly #patched: Readonly<Record<Exclude<Method, 'flush'>, Call>>
  #state: 'shut' | 'holding' | 'open' | 'failed' = 'shut'
  /** The status the response started with; it decides what is stored. */
  #status = 200
  readonly #held: HeldCalls
  #isDraining = false
  #head: Watch | undefined
  #holdsFlush = false

  constructor(response: NodeResponse, exchange: SessionExchange, onError: (error: unknown) => void) {
    this.#response = response
    this.#held = new HeldCalls(response)
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
    }
  }

  install(): void {
    const { writeHead, write, end, flushHeaders } = this.#patched
    const methods: Methods = this.#response
    methods.writeHead = writeHead
    methods.write = write
    methods.end = end
    methods.flushHeaders = flushHeaders
    this.#head = watchHead(this.#response, this)
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
    let outcome: Demand | Promise<Demand>
    try {
      outcome = canHold ? this.#exchange.commitNow(this.#status) : this.#exchange.commitAtOnce(this.#status)
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
    this.#held.begin(this)
    this.#holdFlush()
    outcome.then(
      (demand) => this.#release(demand),
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

  #open(demand: Demand): void {
    const response = this.#response
    putHeaders(response, mergeHeaders(demand, new SeenHead(response)))
    this.#restore()
    this.#head?.stop()
    this.#state = 'open'
  }

  #release(demand: Demand): void {
    if (this.#state === 'failed') return
    const response = this.#response
    const held = this.#takeHeld()
    let isFull = false
    try {
      response.statusCode = this.#status
      this.#open(demand)
      for (const { method, args } of held) isFull = this.#pass(method, args) === false
    } catch (error) {
      this.#state = 'failed'
      response.destroy(isError(error) ? error : undefined)
      this.#onError(error)
      return
    } finally {
      this.#held.end()
    }
    // If Node's own buffer is full, Node emits `drain`.
    if (this.#held.owesDrain && !isFull) process.nextTick(emitDrain, response)
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
      response.destroy(isError(failure) ? failure : undefined)
    }
    this.#state = 'failed'
    for (const { method, args } of held) this.#swallow(method, args)
    this.#held.end()
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
    this.#head?.stop()
    const cookies = storedCookies(response)
    if (cookies.length > 0) response.setHeader('set-cookie', cookies)
    this.#state = 'open'
    this.#pass('end', [body])
  }

  #hold(method: Method, args: Args): unknown {
    if (method === 'writeHead' && !this.#held.isEmpty) {
      if (isHttp1(this.#response) || !isCalledByHttp2(this.#patched.writeHead)) {
        throw headersSent(this.#response, 'write')
      }
      return this.#response
    }
    this.#held.add(method, args)
    return this.#resultOf(method)
  }

  /** Before the release, nothing is there to be flushed. A `flush` that was added since calls the gate. */
  #holdFlush(): void {
    const methods: Methods = this.#response
    const { flush } = this.#original
    if (flush === nothing || methods.flush !== flush) return
    methods.flush = (...args) => this.#call('flush', args)
    this.#holdsFlush = true
  }

  #takeHeld(): readonly HeldCall[] {
    const held = this.#held.take()
    if (this.#holdsFlush) Object.assign(this.#response, { flush: this.#original.flush })
    this.#holdsFlush = false
    return held
  }

  onHead(status: unknown, reason: string | undefined, headers: unknown): void {
    this.#call('writeHead', reason === undefined ? [status, headers] : [status, reason, headers])
  }

  onWrite(args: Args): void {
    this.#held.add('write', args)
  }

  onEnd(): void {
    this.#held.add('end', [])
  }

  onEndWithLast(): void {
    this.#held.endWithLast()
  }

  onFinish(): void {
    if (this.#state === 'shut') this.#call('end', [])
  }

  onFailure(error: unknown): void {
    this.#takeHeld()
    this.#state = 'failed'
    this.#response.destroy()
    this.#onError(error)
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
}

function nothing(): void {}

async function rejected(reason: unknown): Promise<never> {
  throw reason
}
