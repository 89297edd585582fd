import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { SessError } from '@sess/core'
import { accountSlice } from './account/slice.js'
import { adminSlice } from './admin/slice.js'
import type { Config } from './config.js'
import { assertSameOrigin } from './form.js'
import { html } from './html.js'
import { HttpError } from './http-error.js'
import { mainSlice } from './main/slice.js'
import { sendPage } from './page.js'
import type { Handler, Route, Slice } from './slice.js'
import { Users } from './users.js'

/** Milliseconds that requests in progress get to finish when the server stops. */
const GRACE_MS = 5000

/** Serves three slices with one server. */
export class Application {
  readonly server: Server
  readonly #slices: { readonly [prefix: string]: Slice }
  readonly #routes = new Map<string, Route>()

  constructor(config: Config) {
    const users = new Users()
    this.#slices = {
      '': mainSlice(config, users),
      '/account': accountSlice(config, users),
      '/admin': adminSlice(config, users),
    }
    for (const [prefix, { routes }] of Object.entries(this.#slices)) {
      for (const [path, route] of Object.entries(routes)) this.#routes.set(prefix + path, route)
    }
    this.server = createServer((request, response) => void this.#answer(request, response))
  }

  /** Lets requests in progress finish, then closes the sessions. */
  async close(): Promise<void> {
    for (const slice of Object.values(this.#slices)) slice.endStreams?.()
    const closed = new Promise((resolve) => this.server.close(resolve))
    // Node keeps a connection alive for some seconds after its last response, even while the server closes.
    const idle = setInterval(() => this.server.closeIdleConnections(), 50)
    const impatience = setTimeout(() => this.server.closeAllConnections(), GRACE_MS)
    await closed
    clearInterval(idle)
    clearTimeout(impatience)
    await Promise.all(Object.values(this.#slices).map((slice) => slice.close()))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#handler(request)(request, response)
    } catch (error) {
      if (response.destroyed) return
      if (response.headersSent) return void response.destroy()
      sendError(response, error)
    }
  }

  #handler(request: IncomingMessage): Handler {
    const [path = ''] = (request.url ?? '').split('?')
    const route = this.#routes.get(path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)
    if (route === undefined) throw new HttpError(404)
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const handler = isRead ? route.GET : request.method === 'POST' ? route.POST : undefined
    if (handler === undefined) {
      const allow = [route.GET && 'GET, HEAD', route.POST && 'POST'].filter(Boolean).join(', ')
      throw new HttpError(405, undefined, { allow })
    }
    if (!isRead) assertSameOrigin(request)
    return handler
  }
}

function sendError(response: ServerResponse, error: unknown): void {
  const isExpected = error instanceof HttpError
  const status = isExpected || error instanceof SessError ? error.status : 500
  if (!isExpected) console.error(error)
  const message = isExpected ? error.message : 'Something went wrong. Please try again.'
  const page = { title: `Error ${status}`, body: html`<p>${message}</p>` }
  sendPage(response, page, status, isExpected ? error.headers : {})
}
