import type { NodeResponse } from './response.js'
import { cannotWait, type NativeCallWatcher, NO_WATCH, setBySymbol, type Watch } from './watch.js'

type Call = (...args: readonly unknown[]) => unknown

/**
 * Where a replaced method finds the watch that replaced it. With a function for each response instead, young garbage
 * collections kept the responses of former requests: a write took half as long again.
 */
const HEAD: unique symbol = Symbol('head watch')

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
  [HEAD]?: Http1HeadWatch | undefined
}

export function isHttp1(response: NodeResponse): response is Http1Response {
  return response.stream === undefined && '_header' in response
}

export function watchHttp1Head(response: Http1Response, watcher: NativeCallWatcher): Watch {
  return isKnown(response) ? new Http1HeadWatch(response, watcher) : refuseHead(response)
}

/** The response looks begun. */
export function watchHttp1Body(response: Http1Response, watcher: NativeCallWatcher): Watch {
  return new HeldHead(response, watcher)
}

function isKnown({ _storeHeader, _writeRaw, _finish }: Http1Response): boolean {
  return typeof _storeHeader === 'function' && typeof _writeRaw === 'function' && typeof _finish === 'function'
}

class Http1HeadWatch implements Watch {
  readonly watcher: NativeCallWatcher
  readonly hasBody: boolean
  readonly #response: Http1Response
  readonly #storeHeader: Call
  readonly #outer: Http1HeadWatch | undefined

  constructor(response: Http1Response, watcher: NativeCallWatcher) {
    this.watcher = watcher
    this.hasBody = response._hasBody
    this.#response = response
    this.#storeHeader = response._storeHeader
    this.#outer = response[HEAD]
    response[HEAD] = this
    response._storeHeader = storeHeader
  }

  stop(): void {
    this.#response._storeHeader = this.#storeHeader
    this.#response[HEAD] = this.#outer
  }
}

function storeHeader(this: Http1Response, _statusLine: unknown, headers: unknown): void {
  const watch = this[HEAD]
  if (watch === undefined) return
  // `writeHead` has found out from the status, which an error replaces, that there is no body.
  this._hasBody = watch.hasBody
  watch.watcher.onHead(this.statusCode, this.statusMessage, this.getHeaderNames().length === 0 ? headers : undefined)
}

/** For a response that does not work as Node's own do. */
function refuseHead(response: Http1Response): Watch {
  const { _implicitHeader } = response
  if (typeof _implicitHeader !== 'function') return NO_WATCH
  response._implicitHeader = () => {
    throw cannotWait()
  }
  return { stop: () => void (response._implicitHeader = _implicitHeader) }
}

/**
 * Stands for the head of a held response. Set, it makes node:http refuse changes of headers. Node adds it to text, or
 * asks for its length, when it is about to write. It is never sent.
 */
class HeldHead implements Watch {
  readonly #response: Http1Response
  readonly #watcher: NativeCallWatcher
  readonly #header: unknown
  #capture: Watch | undefined

  constructor(response: Http1Response, watcher: NativeCallWatcher) {
    this.#response = response
    this.#watcher = watcher
    this.#header = response._header
    response._header = this
  }

  toString(): string {
    this.#capture ??= captureHttp1(this.#response, this, this.#watcher)
    return ''
  }

  get length(): number {
    return this.toString().length
  }

  stop(): void {
    this.#capture?.stop()
    this.#response._header = this.#header
  }
}

function captureHttp1(response: Http1Response, head: HeldHead, watcher: NativeCallWatcher): Watch {
  const { _writeRaw, _finish } = response
  response._writeRaw = (...args) => {
    // `_send` has set it. What goes out without `_send` is informational, such as `103 Early Hints`.
    if (!response._headerSent) return Reflect.apply(_writeRaw, response, args)
    response._headerSent = false
    // `_send` puts the head there if the part is not text.
    if (response.outputData[0]?.data === head) response.outputData.shift()
    watcher.onWrite(args.slice(0, 3))
    return false
  }
  response._finish = nothing
  const finished = { configurable: true, enumerable: true }
  Object.defineProperty(response, 'finished', {
    ...finished,
    get: () => false,
    set: () => {
      // A class with an `end` of its own goes on as if Node's had sent the response: light-my-request reads it.
      if (
        Reflect.get(Object.getPrototypeOf(response) ?? {}, 'end') ===
        process.getBuiltinModule('node:http').OutgoingMessage.prototype.end
      ) {
        watcher.onEndWithLast()
        return
      }
      const error = cannotWait()
      watcher.onFailure(error)
      throw error
    },
  })
  return {
    stop: () => {
      response._writeRaw = _writeRaw
      response._finish = _finish
      Object.defineProperty(response, 'finished', { ...finished, value: false, writable: true })
      // What was held is written again, and counted again.
      if (response.strictContentLength === true) setBySymbol(response, 'kBytesWritten', 0)
    },
  }
}

function nothing(): void {}
