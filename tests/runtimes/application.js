// Serves sessions on Node, Bun and Deno: `application.js BINDING ADAPTER OPTIONS`, with the options as JSON. BINDING is
// `node` for node:http, or `fetch` for the server that is built into Bun and Deno. Prints its port.
import { createServer } from 'node:http'
import process from 'node:process'
import { sessions } from '@sess/core'
import { isSessError } from '@sess/core/adapter'

/**
 * @typedef {import('@sess/core').Session<import('@sess/core').AnyData>} Session
 * @typedef {(request: Request) => Promise<Response>} Handler
 * @typedef {{
 *   Bun?: { serve: (options: { hostname: string, port: number, fetch: Handler }) => { port: number } },
 *   Deno?: { serve: (options: { hostname: string, port: number, onListen: () => void }, handler: Handler) =>
 *     { addr: { port: number } } },
 * }} Runtime
 */

const [binding, adapter = '', options = '{}'] = process.argv.slice(2)
const adapterOptions = /** @type {Readonly<Record<string, unknown>>} */ (JSON.parse(options))
const sess = sessions(adapter, { secret: 'a secret for tests, of 32 bytes or more', ...adapterOptions })

/** @type {Readonly<Record<string, (session: Session) => void>>} */
const routes = {
  '/increment': (session) => void session.update('count', (count) => Number(count ?? 0) + 1),
  '/login': (session) => session.regenerate(),
  '/logout': (session) => session.destroy(),
}

/**
 * @param {string | undefined} url
 * @param {() => Promise<Session>} open
 * @returns {Promise<[status: number, body: string]>}
 */
async function answer(url, open) {
  try {
    const session = await open()
    routes[new URL(url ?? '', 'http://localhost').pathname]?.(session)
    await session.save()
    return [200, JSON.stringify(session)]
  } catch (error) {
    if (!isSessError(error)) throw error
    return [error.status, JSON.stringify({ code: error.code })]
  }
}

const hostname = '127.0.0.1'
const { Bun, Deno } = /** @type {Runtime} */ (globalThis)

const handler = sess.fetch(async (/** @type {Request} */ request) => {
  const [status, body] = await answer(request.url, () => sess.open(request))
  return new Response(body, { status })
})

if (binding === 'fetch' && Bun !== undefined) {
  console.log(Bun.serve({ hostname, port: 0, fetch: handler }).port)
} else if (binding === 'fetch' && Deno !== undefined) {
  console.log(Deno.serve({ hostname, port: 0, onListen: () => undefined }, handler).addr.port)
} else {
  const server = createServer((request, response) => {
    void answer(request.url, () => sess.open(request, response)).then(([status, body]) =>
      response.writeHead(status).end(body),
    )
  })
  server.listen(0, hostname, () => {
    const address = server.address()
    if (typeof address === 'object') console.log(address?.port)
  })
}
