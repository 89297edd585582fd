import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { Signal } from './signal.ts'

/** An HTTP/1.1 response: its raw bytes and the parsed parts. */
export interface Message {
  readonly raw: string
  readonly status: number
  readonly reason: string
  /** In the order and spelling of the wire. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** An HTTP/1.1 client with one connection that exposes every byte it receives. */
export class Wire {
  readonly #socket: Socket
  #received = ''
  #news = new Signal()

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#received += text
      this.#tell()
    })
    socket.on('close', () => this.#tell())
    socket.on('error', () => undefined)
  }

  static async open(port: number): Promise<Wire> {
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    return new Wire(socket)
  }

  /** The received text that was not yet read as a response. */
  get received(): string {
    return this.#received
  }

  get isClosed(): boolean {
    return this.#socket.closed
  }

  /** Sends a request; `headers` are lines. */
  send(method: string, path: string, headers: readonly string[] = [], body = ''): void {
    const length = body === '' ? [] : [`Content-Length: ${body.length}`]
    const head = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', ...headers, ...length]
    this.#socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1')
  }

  write(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** The next response, informational ones included. Pass `hasBody: false` for a HEAD request. */
  async response(hasBody = true): Promise<Message> {
    for (;;) {
      const message = parse(this.#received, hasBody, this.#socket.closed)
      if (message) {
        this.#received = this.#received.slice(message.raw.length)
        return message
      }
      if (this.#socket.closed) throw new Error(`The connection was closed after ${JSON.stringify(this.#received)}.`)
      await this.#news.happened
    }
  }

  async closed(): Promise<void> {
    if (!this.#socket.closed) await once(this.#socket, 'close')
  }

  /** Drops the connection without notice to the server. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** Stops reading until `resume`, so that the server's buffers fill. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  #tell(): void {
    this.#news.fire()
    this.#news = new Signal()
  }
}

export function headerOf(message: Message, name: string): readonly string[] {
  return message.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
}

function parse(text: string, mayHaveBody: boolean, isClosed: boolean): Message | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const [, code = '', reason = ''] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(first) ?? []
  const status = Number(code)
  const headers = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const hasBody = mayHaveBody && status >= 200 && status !== 204 && status !== 304
  const body = hasBody ? readBody(text.slice(end + 4), new Map(lowered(headers)), isClosed) : { text: '', length: 0 }
  return body && { raw: text.slice(0, end + 4 + body.length), status, reason, headers, body: body.text }
}

/** `length` is the body's length on the wire. Returns `undefined` if part of the body is missing. */
function readBody(
  text: string,
  headers: ReadonlyMap<string, string>,
  isClosed: boolean,
): { text: string; length: number } | undefined {
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(text)
  const declared = headers.get('content-length')
  const length = declared === undefined ? (isClosed ? text.length : Infinity) : Number(declared)
  return text.length < length ? undefined : { text: text.slice(0, length), length }
}

function readChunks(text: string): { text: string; length: number } | undefined {
  const chunks: string[] = []
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at)
    if (line === -1) return undefined
    const size = Number.parseInt(text.slice(at, line), 16)
    if (size === 0) {
      const end = text.indexOf('\r\n\r\n', line)
      return end === -1 ? undefined : { text: chunks.join(''), length: end + 4 }
    }
    if (text.length < line + 2 + size + 2) return undefined
    chunks.push(text.slice(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}

function lowered(headers: Message['headers']): readonly (readonly [string, string])[] {
  return headers.map(([name, value]) => [name.toLowerCase(), value])
}
