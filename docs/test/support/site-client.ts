import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { connect } from 'node:http2'
import { Agent, request } from 'node:https'
import { text as textOf } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { CERTIFICATE } from '../../../packages/core/test/support/certificate.ts'

export const HOST = 'shop.example'

/** The certificate of the tests is not for this host. */
export const TRUST = { ca: CERTIFICATE, servername: HOST, checkServerIdentity: () => undefined }

export interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A client of https://shop.example, which is at a port of this machine. It sends the cookies that it was sent. */
export class SiteClient {
  readonly #port: number
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #cookies = new Map<string, string>()

  constructor(port: number) {
    this.#port = port
    onTestFinished(() => this.#agent.destroy())
  }

  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  get(path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.#send('GET', path, headers)
  }

  post(path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.#send('POST', path, headers)
  }

  /** Resolves when the headers have come. */
  async begin(method: string, path: string, headers: OutgoingHttpHeaders = {}): Promise<IncomingMessage> {
    const own = this.#cookies.size > 0 ? { cookie: this.cookie } : {}
    const sent = request({
      ...TRUST,
      host: '127.0.0.1',
      port: this.#port,
      agent: this.#agent,
      method,
      path,
      headers: { host: HOST, ...own, ...headers },
    })
    const [response] = await once(sent.end(), 'response')
    return response
  }

  async #send(method: string, path: string, headers: OutgoingHttpHeaders): Promise<Answer> {
    const response = await this.begin(method, path, headers)
    for (const line of response.headers['set-cookie'] ?? []) {
      const [pair = '', ...attributes] = line.split('; ')
      const [name = ''] = pair.split('=', 1)
      if (attributes.includes('Max-Age=0')) this.#cookies.delete(name)
      else this.#cookies.set(name, pair.slice(name.length + 1))
    }
    return { status: response.statusCode, headers: response.headers, text: await textOf(response) }
  }
}

/** The text of the answer by HTTP/2 to a request with these cookies, each in a header of its own, as browsers send them. */
export async function getByHttp2(port: number, path: string, cookies: readonly string[]): Promise<string> {
  const session = connect(`https://127.0.0.1:${port}`, TRUST)
  try {
    await once(session, 'connect')
    // A browser speaks HTTP/2 only if the server has chosen it.
    if (session.alpnProtocol !== 'h2') throw new Error(`the server chose ${String(session.alpnProtocol)}`)
    const stream = session.request({ ':authority': HOST, ':path': path, cookie: [...cookies] })
    return await textOf(stream)
  } finally {
    session.close()
  }
}
