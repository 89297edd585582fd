// The application behind the dashboard: each path is something that happens to sessions. It prints its port.
import { createServer } from 'node:http'
import { sessions } from '@sess/core'

const { REDIS_URL, DEAD_URL } = process.env
let ahead = 0

/** Sessions of another library: the cookie is the session's id. */
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

const options = {
  secret: 'a secret of the tests, of 32 bytes or more',
  owner: 'userId',
  maxPerOwner: 1,
  clock: () => Date.now() + ahead,
  onError: () => undefined,
}
const live = sessions('redis', { ...options, url: REDIS_URL, migrate: [former] })
const dead = sessions('redis', { ...options, url: DEAD_URL })

/** A second request of the same browser, while the first one is under way. */
const meanwhile = ({ headers, socket }, path) =>
  fetch(`http://127.0.0.1:${socket.localPort}${path}`, { headers: { cookie: headers.cookie ?? '' } })

const handlers = {
  '/read': () => undefined,
  '/late': () => undefined,
  '/dead': () => undefined,
  '/note': (session) => (session.note = 'a'),
  '/dead-note': (session) => (session.note = 'a'),
  '/login': (session) => (session.userId = 1),
  '/logout': (session) => session.destroy(),
  '/revoke': () => live.owner(1).revoke(),
  '/bump': (session) => (session.visits = Date.now()),
  async '/conflict'(session, req) {
    session.visits = (session.visits ?? 0) + 1
    await meanwhile(req, '/bump')
  },
  async '/retry'(session, req) {
    session.update('visits', (n = 0) => n + 1)
    await meanwhile(req, '/bump')
  },
}

createServer(async (req, res) => {
  const { pathname } = new URL(req.url, 'http://127.0.0.1')
  try {
    ahead = pathname === '/late' ? 7 * 24 * 60 * 60 * 1000 : 0
    const session = await (pathname.startsWith('/dead') ? dead : live).open(req, res)
    await handlers[pathname]?.(session, req)
    res.end()
  } catch (error) {
    res.writeHead(error.status ?? 500).end()
  }
}).listen(3000)
