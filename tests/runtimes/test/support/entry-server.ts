import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** A service on loopback that keeps entries by key, and replaces one only if `If-Match` has its version. */
export class EntryServer {
  readonly #entries = new Map<string, { readonly body: string; readonly version: string }>()
  #server: Server | undefined
  #port = 0
  #lastVersion = 0
  #ignored: readonly string[] = []
  #onIgnored: () => void = () => {}

  static async start(): Promise<EntryServer> {
    const server = new EntryServer()
    await server.start()
    onTestFinished(() => server.stop())
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#answer(request, response))
    await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening')
    const address = this.#server.address()
    if (typeof address === 'object' && address !== null) this.#port = address.port
  }

  /** From now on, connections are refused. */
  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  /** Leaves requests of these methods unanswered from now on. Resolves when the first of them has come. */
  ignore(...methods: readonly string[]): Promise<void> {
    this.#ignored = methods
    return new Promise((resolve) => (this.#onIgnored = resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = request.url ?? ''
    const body = await text(request)
    if (this.#ignored.includes(request.method ?? '')) {
      this.#onIgnored()
      return
    }
    const entry = this.#entries.get(key)
    if (request.method === 'PUT') {
      const isNew = request.headers['if-none-match'] === '*'
      if (isNew ? entry !== undefined : entry?.version !== request.headers['if-match']) {
        response.writeHead(412).end()
        return
      }
      const version = String(++this.#lastVersion)
      this.#entries.set(key, { body, version })
      response.writeHead(204, { etag: version }).end()
    } else if (request.method === 'DELETE') {
      this.#entries.delete(key)
      response.writeHead(204).end()
    } else if (entry === undefined) response.writeHead(404).end()
    else response.writeHead(200, { etag: entry.version }).end(entry.body)
  }
}
