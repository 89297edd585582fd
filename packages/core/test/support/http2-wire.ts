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

/** An HTTP/2 response. */
export interface Http2Message {
  /** All fields except `date`. */
  readonly headers: Fields
  readonly body: string
  readonly trailers: Fields
}

/** An HTTP/2 client with one connection. */
export class Http2Wire {
  readonly #session: ClientHttp2Session

  constructor(origin: string) {
    this.#session = connect(origin, { rejectUnauthorized: false })
    onTestFinished(() => this.#session.destroy())
    this.#session.on('error', () => undefined)
  }

  /** Sends a request; resolves once the whole response has arrived. */
  async response(headers: OutgoingHttpHeaders = {}): Promise<Http2Message> {
    return messageOf(this.#session.request(headers))
  }

  /** Sends a request; returns its informational response and the final one. */
  hinted(): { readonly hints: Promise<IncomingHttpHeaders>; readonly response: Promise<Http2Message> } {
    const stream = this.#session.request()
    const hints = new Promise<IncomingHttpHeaders>((resolve) => stream.once('headers', resolve))
    return { hints, response: messageOf(stream) }
  }

  /** Sends a request; the returned function aborts it. */
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

/** Removes `date`, and the symbol keys that Node adds to the fields. */
function plain(headers: IncomingHttpHeaders): Fields {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'date'))
}
