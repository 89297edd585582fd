import { EventEmitter } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { NodeRequest, NodeResponse } from '@sess/core'

/** What the caller of a handler reads when the handler has ended. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

export type NodeHandler = (request: NodeRequest, response: NodeResponse) => Promise<unknown>

/** As the response of node-mock-http 1.0.5, which Nitro and h3 use for serverless presets and internal requests. */
class MockResponse extends EventEmitter {
  statusCode = 200
  headersSent = false
  writableEnded = false
  finished = false
  socket = null
  readonly headers: Record<string, string | readonly string[]> = {}
  body = ''

  getHeader(name: string): string | readonly string[] | undefined {
    return this.headers[name.toLowerCase()]
  }

  getHeaderNames(): string[] {
    return Object.keys(this.headers)
  }

  setHeader(name: string, value: unknown): this {
    this.headers[name.toLowerCase()] = Array.isArray(value) ? value.map(String) : String(value)
    return this
  }

  removeHeader(name: string): void {
    delete this.headers[name.toLowerCase()]
  }

  writeHead(status: unknown): this {
    this.statusCode = Number(status)
    this.headersSent = true
    return this
  }

  write(chunk: unknown): boolean {
    this.body += String(chunk)
    return true
  }

  end(chunk?: unknown): this {
    if (this.writableEnded) return this
    if (typeof chunk === 'string') this.write(chunk)
    this.writableEnded = true
    this.emit('finish')
    return this
  }

  destroy(): this {
    return this
  }
}

/** Calls a handler as node-mock-http does: reads the response as soon as the handler has ended. */
export async function callMocked(handler: NodeHandler, cookie?: string): Promise<Answer> {
  const response = new MockResponse()
  await handler({ headers: cookie === undefined ? {} : { cookie } }, response)
  const { statusCode: status, headers, body } = response
  return { status, headers, body }
}

/** As the response of @vendia/serverless-express 4 and serverless-http 4: Node's own, with a socket that is none. */
class ServerlessResponse extends ServerResponse {
  readonly chunks: Buffer[] = []
  #wroteHeader = false

  constructor(request: IncomingMessage) {
    super(request)
    this.useChunkedEncodingByDefault = false
    this.chunkedEncoding = false
    Object.assign(this, { _header: '' })
    const nothing = () => undefined
    const write = (data: string | Uint8Array, encoding: unknown, callback: unknown) => {
      this.#read(Buffer.from(data))
      if (typeof callback === 'function') Reflect.apply(callback, undefined, [])
      else if (typeof encoding === 'function') Reflect.apply(encoding, undefined, [])
      return true
    }
    const methods = { on: nothing, removeListener: nothing, destroy: nothing, cork: nothing, uncork: nothing, write }
    Reflect.apply(this.assignSocket, this, [{ _writableState: {}, writable: true, ...methods }])
  }

  #read(data: Buffer): void {
    if (this.#wroteHeader || Reflect.get(this, '_header') === '') {
      this.chunks.push(data)
      return
    }
    const end = data.indexOf('\r\n\r\n')
    if (end === -1) return
    this.#wroteHeader = true
    this.chunks.push(data.subarray(end + 4))
  }
}

/** Calls a handler as @vendia/serverless-express does: waits until the response says that it has ended. */
export async function callServerless(handler: NodeHandler): Promise<Answer> {
  const request = new IncomingMessage(new Socket())
  const response = new ServerlessResponse(request)
  await handler(request, response)
  if (!response.writableEnded) await new Promise((resolve) => response.once('finish', resolve))
  const body = Buffer.concat(response.chunks).toString()
  return { status: response.statusCode, headers: response.getHeaders(), body }
}
