// Serves sessions over HTTP: `node application.js ADAPTER OPTIONS`, with the options as JSON. Prints its port first. On
// SIGTERM it ends as an application should: it closes its server and its sessions.
import { createServer } from 'node:http'
import { sessions } from '@sess/core'
import { isSessError } from '@sess/core/adapter'

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {import('@sess/core').Session<import('@sess/core').AnyData>} Session
 */

const [adapter = '', options = '{}'] = process.argv.slice(2)
const adapterOptions = /** @type {Readonly<Record<string, unknown>>} */ (JSON.parse(options))
const sess = sessions(adapter, { secret: 'a secret for tests, of 32 bytes or more', onError, ...adapterOptions })

/** @type {Readonly<Record<string, (session: Session, query: URLSearchParams) => void>>} */
const routes = {
  '/session': () => undefined,
  '/increment': (session) => void session.update('count', (count) => Number(count ?? 0) + 1),
  '/set': (session, query) => void Object.assign(session, { [query.get('key') ?? '']: query.get('value') }),
  '/login': (session) => session.regenerate(),
  '/logout': (session) => session.destroy(),
}

const server = createServer((request, response) => void answer(request, response))

/**
 * Answers with the values of the session. Changes are stored when the response begins. With `?save` they are stored
 * before, so that the answer shows whether that succeeded.
 *
 * @param {Request} request
 * @param {Response} response
 */
async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
  if (pathname === '/process') return response.end(JSON.stringify(resources()))
  try {
    const session = await sess.open(request, response)
    routes[pathname]?.(session, searchParams)
    if (searchParams.has('save')) await session.save()
    return response.end(JSON.stringify(session))
  } catch (error) {
    if (!isSessError(error)) throw error
    response.statusCode = error.status
    return response.end(JSON.stringify({ code: error.code, message: error.message }))
  }
}

/** The number of active resources of each kind, which keep the process alive, and of listeners. */
function resources() {
  /** @type {Record<string, number>} */
  const counts = { listeners: 0 }
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  for (const name of process.eventNames()) counts['listeners'] += process.listenerCount(name)
  return counts
}

/**
 * After these errors the client got an error response instead. Any other error must crash the process.
 *
 * @param {unknown} error
 */
function onError(error) {
  if (!isSessError(error) || !['UNAVAILABLE', 'CONFLICT'].includes(error.code)) throw error
}

process.once('SIGTERM', () => server.close(() => void sess.close()))
// Ends with the tests, even if they are killed.
process.stdin
  .on('end', () => process.kill(process.pid, 'SIGKILL'))
  .resume()
  .unref()
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') process.stdout.write(`${address?.port}\n`)
})
