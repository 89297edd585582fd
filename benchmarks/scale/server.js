// One of the servers: an application over HTTP, whose sessions are in the Cluster. `node server.js NODES`, as JSON.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { sessions } from '@sess/core'
import { isSessError } from '@sess/core/adapter'
import { SECRET, sessionOf } from '../session.js'
import { answer, say } from '../worker.js'

/** How many sessions begin at the same time. */
const WIDTH = 16

const [, , nodes = '[]'] = process.argv
/** @type {Record<string, number>} */
const causes = {}
const sess = sessions('redis', { secret: SECRET, from: import.meta.url, nodes: JSON.parse(nodes), onError: note })

/** Clients get an error response as well. Any other error must end the process. @param {unknown} error */
function note(error) {
  if (!isSessError(error) || !['UNAVAILABLE', 'CONFLICT'].includes(error.code)) throw error
  const cause = error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : error.code
  causes[cause] = (causes[cause] ?? 0) + 1
}

/** @param {import('@sess/core').Session} session */
const begin = (session) => void Object.assign(session, sessionOf(200), { visits: 0 })

/** @type {Record<string, (session: import('@sess/core').Session) => void>} */
const ROUTES = {
  '/read': () => undefined,
  '/count': (session) => void session.update('visits', (visits) => Number(visits ?? 0) + 1),
  '/begin': begin,
  '/login': (session) => session.regenerate(),
  '/logout': (session) => session.destroy(),
}

const server = createServer(async (request, response) => {
  try {
    const session = await sess.open(request, response)
    const visits = session['visits'] ?? null
    ROUTES[request.url ?? '']?.(session)
    response.end(JSON.stringify({ visits: request.url === '/count' ? session['visits'] : visits }))
  } catch (error) {
    if (!isSessError(error)) throw error
    note(error)
    response.statusCode = error.status
    response.end(error.code)
  }
})
// A connection stays open between two requests of its client.
Object.assign(server, { keepAliveTimeout: 0 })
server.listen(0, '127.0.0.1')
await once(server, 'listening')

answer({
  /** Begins at least so many sessions, each by a commit of its own. Resolves with their cookies. @param {{ amount: number }} work */
  async begin({ amount }) {
    /** @type {string[]} */
    const cookies = []
    const lane = async () => {
      while (cookies.length < amount) {
        const exchange = sess.exchange(undefined)
        begin(await exchange.open())
        try {
          const [, line = ''] = (await exchange.commit(200)).find(([name]) => name === 'set-cookie') ?? []
          cookies.push(line.split(';')[0] ?? '')
        } catch (error) {
          note(error)
        }
      }
    }
    await Promise.all(Array.from({ length: WIDTH }, lane))
    return cookies
  },
  /** How often a request failed, by the code of the cause. */
  causes: () => causes,
})
say(server.address().port)
