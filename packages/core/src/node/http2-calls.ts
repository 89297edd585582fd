import type { NodeResponse } from './response.js'
import { cannotWait, type NativeCallWatcher, setBySymbol, type Watch } from './watch.js'

type Call = (...args: readonly unknown[]) => unknown

/** Where a replaced method finds the watch that replaced it. `http1-calls.ts` says why. */
const HEAD: unique symbol = Symbol('head watch')
const BODY: unique symbol = Symbol('body watch')

/** The stream of an http2 response, with methods that can be replaced. */
interface Http2Stream {
  readonly closed: boolean
  readonly destroyed: boolean
  respond: Call
  write: Call
  end: Call
  [HEAD]?: Http2HeadWatch | undefined
  [BODY]?: Http2BodyWatch | undefined
}

export class Http2HeadWatch implements Watch {
  readonly watcher: NativeCallWatcher
  readonly #stream: Http2Stream
  readonly #respond: Call
  readonly #outer: Http2HeadWatch | undefined

  constructor(stream: Http2Stream, watcher: NativeCallWatcher) {
    this.watcher = watcher
    this.#stream = stream
    this.#respond = stream.respond
    this.#outer = stream[HEAD]
    stream[HEAD] = this
    stream.respond = respond
  }

  stop(): void {
    this.#stream.respond = this.#respond
    this.#stream[HEAD] = this.#outer
  }
}

function respond(this: Http2Stream, headers: unknown): void {
  const { ':status': status = 200, ...others } = typeof headers === 'object' ? { ...headers } : {}
  this[HEAD]?.watcher.onHead(status, undefined, others)
}

export class Http2BodyWatch implements Watch {
  readonly response: NodeResponse
  readonly watcher: NativeCallWatcher
  readonly end: Call
  readonly #stream: Http2Stream
  readonly #write: Call
  readonly #outer: Http2BodyWatch | undefined

  constructor(response: NodeResponse, stream: Http2Stream, watcher: NativeCallWatcher) {
    this.response = response
    this.watcher = watcher
    this.end = stream.end
    this.#stream = stream
    this.#write = stream.write
    this.#outer = stream[BODY]
    stream[BODY] = this
    stream.write = writeToStream
    stream.end = endStream
  }

  stop(): void {
    this.#stream.write = this.#write
    this.#stream.end = this.end
    this.#stream[BODY] = this.#outer
  }
}

function writeToStream(this: Http2Stream, ...args: readonly unknown[]): boolean {
  this[BODY]?.watcher.onWrite(args)
  return false
}

function endStream(this: Http2Stream, ...args: readonly unknown[]): unknown {
  const watch = this[BODY]
  if (watch === undefined) return this
  // Node ends the stream of a request that was aborted.
  if (this.closed || this.destroyed) return Reflect.apply(watch.end, this, args)
  // The response has noted that it is ending, and would refuse to write what is held.
  if (setBySymbol(watch.response, 'state', false, 'ending')) watch.watcher.onEnd()
  else watch.watcher.onFailure(cannotWait())
  return this
}
