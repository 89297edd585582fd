import { STATUS_CODES } from 'node:http'
import { type ErrorStatus, isSessError } from './error.js'
import type { Headers, SessionExchange } from './exchange.js'
import type { NodeResponse, NodeSource } from './node.js'

type Method = (typeof METHODS)[number]
type Args = readonly unknown[]

const METHODS = ['writeHead', 'write', 'end', 'flushHeaders'] as const
const HEADER_METHODS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const

/**
 * Stands before a response until its session is stored. At the first `writeHead`, `write`, `end` or
 * `flushHeaders` the session is sealed. Where there is nothing to store, the gate is gone within the
 * same call. Otherwise calls queue until the store has answered: then the session's headers are set and
 * the calls are made; or, where the store has failed, they are dropped and the answer is an error.
 */
export class Gate {
  readonly #response: NodeResponse
  readonly #exchange: SessionExchange
  readonly #onError: (error: unknown) => void
  readonly #original: Pick<NodeResponse, Method>
  readonly #patched: Readonly<Record<Method, (...args: Args) => unknown>>
  readonly #sources = new Set<NodeSource>()
  #state: 'shut' | 'holding' | 'open' | 'failed' = 'shut'
  #held: { method: Method; args: Args }[] = []
  #needsDrain = false
  #unshadow: (() => void)[] = []

  constructor(response: NodeResponse, exchange: SessionExchange, onError: (error: unknown) => void) {
    this.#response = response
    this.#exchange = exchange
    this.#onError = onError
    const { writeHead, write, end, flushHeaders } = response
    this.#original = { writeHead, write, end, flushHeaders }
    this.#patched = {
      writeHead: (...args) => this.#call('writeHead', args),
      write: (...args) => this.#call('write', args),
      end: (...args) => this.#call('end', args),
      flushHeaders: (...args) => this.#call('flushHeaders', args),
    }
  }

  install(): void {
    Object.assign(this.#response, this.#patched)
    this.#response.on('pipe', (source) => this.#sources.add(source))
  }

  #call(method: Method, args: Args): unknown {
    if (this.#state === 'shut') {
      const status = method === 'writeHead' ? args[0] : this.#response.statusCode
      // An informational response does not begin the final one; Node refuses what is no status at all.
      if (!isFinalStatus(status)) return this.#pass(method, args)
      return this.#call(method, this.#begin(method, args, status))
    }
    if (this.#state === 'holding') return this.#hold(method, args)
    return this.#state === 'open' ? this.#pass(method, args) : this.#swallow(method, args)
  }

  /** Returns the arguments that remain to be passed on. */
  #begin(method: Method, args: Args, status: number): Args {
    const remaining = method === 'writeHead' ? this.#foldHeaders(args) : args
    try {
      const outcome = this.#exchange.finish(status, {
        vary: textOf(this.#response.getHeader('vary')),
        cacheControl: textOf(this.#response.getHeader('cache-control')),
      })
      if (outcome instanceof Promise) {
        this.#state = 'holding'
        this.#shadow()
        outcome.then(
          (headers) => this.#release(headers),
          (error: unknown) => this.#fail(error),
        )
      } else {
        this.#open(outcome)
      }
    } catch (error) {
      this.#fail(error)
    }
    return remaining
  }

  /** Sets the headers that `writeHead` was given, as Node itself does once any header was set. */
  #foldHeaders(args: Args): Args {
    const [status, reason] = args
    const headers = typeof reason === 'string' ? args[2] : (args[1] ?? args[2])
    for (const [name, value] of headerEntries(headers)) this.#response.setHeader(name, value)
    return typeof reason === 'string' ? [status, reason] : [status]
  }

  #open(headers: Headers): void {
    for (const [name, value] of headers) {
      if (name === 'set-cookie') this.#response.setHeader(name, [...listOf(this.#response.getHeader(name)), value])
      else this.#response.setHeader(name, value)
    }
    this.#restore()
    this.#state = 'open'
  }

  #release(headers: Headers): void {
    const held = this.#held
    this.#held = []
    this.#unshadowAll()
    try {
      if (isDestroyed(this.#response)) {
        this.#state = 'failed'
        for (const { method, args } of held) this.#swallow(method, args)
        return
      }
      this.#open(headers)
      for (const { method, args } of held) this.#pass(method, args)
      if (this.#needsDrain) this.#response.emit('drain')
    } catch (error) {
      this.#response.destroy(error instanceof Error ? error : undefined)
    }
  }

  /** Answers in place of the application, whose response would claim a success that did not happen. */
  #fail(error: unknown): void {
    const held = this.#held
    this.#held = []
    this.#unshadowAll()
    for (const source of this.#sources) source.unpipe(this.#response)
    for (const { args } of held) callBack(args)
    try {
      this.#answer(isSessError(error) ? error.status : 500)
    } catch (failure) {
      this.#response.destroy(failure instanceof Error ? failure : undefined)
    }
    this.#state = 'failed'
    this.#onError(error)
    if (this.#needsDrain) this.#response.emit('drain')
  }

  #answer(status: ErrorStatus): void {
    const response = this.#response
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    if (Object.hasOwn(response, 'statusMessage')) Object.assign(response, { statusMessage: undefined })
    response.statusCode = status
    const body = `${status} ${STATUS_CODES[status]}\n`
    response.setHeader('content-type', 'text/plain; charset=utf-8')
    response.setHeader('content-length', String(body.length))
    response.setHeader('cache-control', 'no-store')
    this.#state = 'open'
    this.#pass('end', [body])
  }

  #hold(method: Method, args: Args): unknown {
    if (method === 'writeHead' && this.#held.length > 0) throw headersSent('write')
    if (method === 'write') assertChunk(args[0])
    if (method === 'end' && typeof args[0] !== 'function') assertChunk(args[0] ?? '')
    this.#held.push({ method, args })
    if (method === 'write') this.#needsDrain = true
    return this.#answerTo(method, false)
  }

  #pass(method: Method, args: Args): unknown {
    return Reflect.apply(this.#original[method], this.#response, args)
  }

  #swallow(method: Method, args: Args): unknown {
    callBack(args)
    return this.#answerTo(method, true)
  }

  #answerTo(method: Method, isWritable: boolean): unknown {
    if (method === 'write') return isWritable
    return method === 'flushHeaders' ? undefined : this.#response
  }

  /** Puts back what was there, unless it has been patched once more since: then the gate stays, open. */
  #restore(): void {
    for (const method of METHODS) {
      if (this.#response[method] === this.#patched[method]) {
        Object.assign(this.#response, { [method]: this.#original[method] })
      }
    }
  }

  /** While calls are held, the response looks as though its headers were sent. */
  #shadow(): void {
    const isEnded = () => this.#held.some(({ method }) => method === 'end')
    this.#unshadow = [
      shadow(this.#response, 'headersSent', { get: () => true }),
      shadow(this.#response, 'writableEnded', { get: isEnded }),
      ...HEADER_METHODS.map((name) =>
        shadow(this.#response, name, {
          value: () => {
            throw headersSent(name === 'removeHeader' ? 'remove' : 'set')
          },
        }),
      ),
    ]
  }

  #unshadowAll(): void {
    for (const unshadow of this.#unshadow) unshadow()
    this.#unshadow = []
  }
}

function shadow(target: object, name: string, descriptor: PropertyDescriptor): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name)
  Object.defineProperty(target, name, { ...descriptor, configurable: true })
  return () => {
    if (own) Object.defineProperty(target, name, own)
    else Reflect.deleteProperty(target, name)
  }
}

function isFinalStatus(status: unknown): status is number {
  return typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 999
}

/** Of `writeHead`'s headers, in any of the shapes that Node takes: an object, or a flat or nested array. */
function headerEntries(headers: unknown): Iterable<[string, string | readonly string[]]> {
  if (!Array.isArray(headers)) {
    return typeof headers === 'object' && headers !== null ? Object.entries(headers) : []
  }
  const flat: readonly string[] = headers.flat()
  const grouped = new Map<string, string[]>()
  for (let index = 0; index < flat.length; index += 2) {
    const [name = '', value = ''] = flat.slice(index, index + 2)
    grouped.set(name, [...(grouped.get(name) ?? []), value])
  }
  return [...grouped].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values])
}

type Header = number | string | readonly string[] | undefined

function textOf(header: Header): string | undefined {
  return header === undefined ? undefined : String(header)
}

function listOf(header: Header): readonly string[] {
  if (header === undefined) return []
  return typeof header === 'object' ? header : [String(header)]
}

function callBack(args: Args): void {
  const callback = args.at(-1)
  if (typeof callback === 'function') process.nextTick(callback)
}

function assertChunk(chunk: unknown): void {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return
  throw Object.assign(new TypeError('A chunk must be a string, a Buffer or a Uint8Array.'), {
    code: 'ERR_INVALID_ARG_TYPE',
  })
}

/** The error that Node throws for the same call once headers are sent. */
function headersSent(what: 'set' | 'remove' | 'write'): Error {
  const message = `Cannot ${what} headers after they are sent to the client`
  return Object.assign(new Error(message), { code: 'ERR_HTTP_HEADERS_SENT' })
}

/** node:http says so on the response, node:http2 on its stream. */
function isDestroyed(response: NodeResponse): boolean {
  return response.destroyed === true || response.stream?.destroyed === true
}
