// Measures what remains in the heap after many anonymous requests, and after a day of sessions that have all ended.
import { createServer } from 'node:http'
import { once } from 'node:events'
import memory from '@sess/adapter-memory'
import { sessions } from '@sess/core'
import { createAdapterContext } from '@sess/core/adapter'
import { Connection } from './connection.js'
import { SECRET, sessionOf } from './session.js'
import { answer, say } from './worker.js'

const [CONNECTIONS, STEPS] = [50, 10]
const [MINUTE, IDLE_MINUTES] = [60_000, 30]
/** Per minute. */
const [NEW_SESSIONS, USES] = [50, 200]

/** @param {string} what */
function look(what) {
  globalThis.gc?.()
  return { what, bytes: process.memoryUsage().heapUsed }
}

answer({
  /** Makes anonymous requests over real HTTP. @param {{ requests: number }} work */
  async anonymous({ requests }) {
    const sess = sessions(memory, { secret: SECRET, scope: 'anonymous' })
    const server = createServer(async (request, response) => {
      const session = await sess.open(request, response)
      response.end(JSON.stringify({ visits: Number(session['visits'] ?? 0) }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address()
    const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(port)))
    const steps = []
    for (let step = 1; step <= STEPS; step++) {
      let more = requests / STEPS
      const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
      await Promise.all(connections.map((connection) => connection.send(request, () => more-- > 0)))
      if (step === 1 || step === STEPS) steps.push(look(`after ${(requests / STEPS) * step} anonymous requests`))
    }
    for (const connection of connections) connection.close()
    server.close()
    await sess.close()
    return steps
  },

  /** Simulates a day with a clock that is moved minute by minute. @param {{ hours: number }} work */
  async day({ hours }) {
    let now = Date.now()
    const clock = () => now
    const store = memory({ scope: 'day' }, createAdapterContext({ secret: SECRET }))
    const sess = sessions(store, { secret: SECRET, clock, idleTimeout: `${IDLE_MINUTES}m` })
    /** @param {string | undefined} cookie @param {(session: import('@sess/core').Session<{ visits: number }>) => void} use */
    const visit = async (cookie, use) => {
      const exchange = sess.exchange(cookie)
      use(await exchange.open())
      const headers = await exchange.commit(200)
      return headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0]
    }
    /** @type {string[]} the newest last */
    const cookies = []
    const pass = async (/** @type {number} */ fresh, /** @type {number} */ uses) => {
      for (let count = 0; count < fresh; count++) {
        cookies.push((await visit(undefined, (session) => Object.assign(session, sessionOf(200)))) ?? '')
      }
      for (let count = 0; count < uses; count++) {
        await visit(cookies[Math.floor(Math.random() * cookies.length)], (session) =>
          session.update('visits', (n = 0) => n + 1),
        )
      }
      if (cookies.length > NEW_SESSIONS * IDLE_MINUTES) cookies.splice(0, NEW_SESSIONS)
      now += MINUTE
      await store.prune?.(now)
    }
    const steps = []
    for (let hour = 1; hour <= hours; hour++) {
      for (let minute = 0; minute < 60; minute++) await pass(NEW_SESSIONS, USES)
      if ([2, Math.ceil(hours / 2), hours].includes(hour))
        steps.push(look(`after ${hour} hours of ${NEW_SESSIONS * 60} new sessions each`))
    }
    cookies.length = 0
    for (let minute = 0; minute <= 2 * IDLE_MINUTES; minute++) await pass(0, 0)
    return [...steps, look('when all of them have ended')]
  },
})
say('ready')
