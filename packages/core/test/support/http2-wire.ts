import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { onTestFinished } from 'vitest'

type Fields = Readonly<Record<string, unknown>>

/** A response of HTTP/2. */
export interface Http2Message {
  /** But for the date. */
  readonly headers: Fields
  readonly body: string
  readonly trailers: Fields
}

/** A client of HTTP/2: one connection. */
export class Http2Wire {
  readonly #session: ClientHttp2Session

  constructor(origin: string) {
    this.#session = connect(origin, { rejectUnauthorized: false })
    onTestFinished(() => this.#session.destroy())
    this.#session.on('error', () => undefined)
  }

  /** The response to a request, when all of it has come. */
  async response(headers: OutgoingHttpHeaders = {}): Promise<Http2Message> {
    return messageOf(this.#session.request(headers))
  }

  /** An informational response, and the one that follows. */
  hinted(): { readonly hints: Promise<IncomingHttpHeaders>; readonly response: Promise<Http2Message> } {
    const stream = this.#session.request()
    const hints = new Promise<IncomingHttpHeaders>((resolve) => stream.once('headers', resolve))
    return { hints, response: messageOf(stream) }
  }

  /** Sends a request; the function that this returns gives it up. */
  begin(): () => void {
    const stream = this.#session.request()
    stream.on('error', () => undefined)
    stream.resume()
    return () => stream.close()
  }
}

async function messageOf(stream: ClientHttp2Stream): Promise<Http2Message> {
  stream.setEncoding('utf8')
  let trailers: IncomingHttpHeaders = {}
  stream.on('trailers', (given: IncomingHttpHeaders) => (trailers = given))
  const head = new Promise<IncomingHttpHeaders>((resolve, reject) => {
    stream.once('response', resolve)
    stream.once('close', () => reject(new Error(`The stream was closed with ${stream.rstCode}.`)))
  })
  const chunks: string[] = []
  stream.on('data', (chunk: string) => chunks.push(chunk))
  const [headers] = await Promise.all([head, once(stream, 'close')])
  return { headers: plain(headers), body: chunks.join(''), trailers: plain(trailers) }
}

/** Without what Node keeps beside the fields, under symbols. */
function plain(headers: IncomingHttpHeaders): Fields {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'date'))
}
