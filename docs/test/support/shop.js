// The application behind the dashboard: each path is something that happens to sessions.
import { createServer } from 'node:http'
import { sessions } from '@sess/core'
import { isSessError } from '@sess/core/adapter'

/**
 * @typedef {{ userId: number, note: string, visits: number }} Visitor
 * @typedef {import('@sess/core').Sessions<Visitor>} Sess
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 */

const { REDIS_URL = '', DEAD_URL = '' } = process.env
let ahead = 0

/**
 * Sessions of another library: the cookie is the session's id.
 *
 * @type {import('@sess/core/adapter').FormerSessions}
 */
const former = {
  name: 'former',
  cookies: [{ name: 'former' }],
  keep: false,
  find(valuesOf) {
    const [id] = valuesOf('former')
    if (id === undefined) return undefined
    return { id, read: async () => ({ values: { note: 'a' }, expiresAt: undefined }), end: async () => undefined }
  },
}

/** @satisfies {import('@sess/core').CoreOptions<'userId'>} */
const options = {
  secret: 'a secret of the tests, of 32 bytes or more',
  owner: 'userId',
  maxPerOwner: 1,
  clock: () => Date.now() + ahead,
  onError: () => undefined,
}
/** @type {Sess} */
const live = sessions('redis', { ...options, url: REDIS_URL, migrate: [former] })
/** @type {Sess} */
const dead = sessions('redis', { ...options, url: DEAD_URL })

/**
 * Changes the session by a second request of the same browser, while the first one is under way.
 *
 * @param {Request} request
 */
const meanwhile = ({ headers: { cookie = '' }, socket }) =>
  fetch(`http://127.0.0.1:${socket.localPort}/bump`, { headers: { cookie } })

/** @type {Readonly<Record<string, (session: import('@sess/core').Session<Visitor>, request: Request) => unknown>>} */
const handlers = {
  '/note': (session) => (session.note = 'a'),
  '/dead/note': (session) => (session.note = 'a'),
  '/login': (session) => (session.userId = 1),
  '/logout': (session) => session.destroy(),
  '/revoke': () => live.owner(1).revoke(),
  '/bump': (session) => (session.visits = Date.now()),
  async '/conflict'(session, request) {
    session.visits = (session.visits ?? 0) + 1
    await meanwhile(request)
  },
  async '/retry'(session, request) {
    session.update('visits', (n = 0) => n + 1)
    await meanwhile(request)
  },
}

/**
 * @param {Request} request
 * @param {Response} response
 */
async function answer(request, response) {
  const { url = '/' } = request
  try {
    ahead = url === '/late' ? 7 * 24 * 60 * 60 * 1000 : 0
    const session = await (url.startsWith('/dead') ? dead : live).open(request, response)
    await handlers[url]?.(session, request)
    response.end()
  } catch (error) {
    response.writeHead(isSessError(error) ? error.status : 500).end()
  }
}

createServer((request, response) => void answer(request, response)).listen(3000)
