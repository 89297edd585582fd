// Makes requests without HTTP, in a separate process, to measure the cost of the session alone.
import { sessionsAt } from './contestants/sess.js'
import { placeIn } from './backends.js'
import { countStatements } from './statements.js'
import { answer, say } from './worker.js'

const [, , store = '', where = '', limits = '{}'] = process.argv
const sess = sessionsAt(store, placeIn(where), JSON.parse(limits))

/** The cookies of prepared sessions, by point of measurement. @type {Map<string, readonly string[]>} */
const cookies = new Map()
/** Requests that are open and not yet answered. @type {import('@sess/core').Exchange<{ visits: number }>[]} */
let pending = []

/** @param {object} data @returns {Promise<string>} the cookie */
async function begin(data) {
  const exchange = sess.exchange(undefined)
  Object.assign(await exchange.open(), data)
  const headers = await exchange.commit(200)
  return headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0] ?? ''
}

/** What a request does to its session. @type {Record<string, (session: { visits: number }) => unknown>} */
const USES = {
  reads: (session) => session.visits,
  writes: (session) => (session.visits += 1),
  'reads all': (session) => Object.values(session),
}

answer({
  /** @param {{ point: string, data: object, amount: number }} work */
  async prepare({ point, data, amount }) {
    const begun = []
    for (let count = 0; count < amount; count++) begun.push(await begin(data))
    cookies.set(point, begun)
  },

  /** @param {{ data: object, amount: number }} work */
  async fill({ data, amount }) {
    for (let count = 0; count < amount; count++) await begin(data)
  },

  /** Microseconds of CPU time per request. @param {{ point: string, use: string, amount: number }} work */
  async time({ point, use, amount }) {
    const known = cookies.get(point) ?? []
    const before = process.cpuUsage()
    for (let count = 0; count < amount; count++) {
      const exchange = sess.exchange(known[Math.floor(Math.random() * known.length)])
      USES[use]?.(await exchange.open())
      await exchange.commit(200)
    }
    const { user, system } = process.cpuUsage(before)
    return (user + system) / amount
  },

  /** @param {{ data: object }} work */
  begin: ({ data }) => begin(data),

  /** Opens one session in many requests, each of which changes it. @param {{ cookie: string, amount: number }} work */
  async open({ cookie, amount }) {
    pending = Array.from({ length: amount }, () => sess.exchange(cookie))
    for (const exchange of pending) (await exchange.open()).update('visits', (visits = 0) => visits + 1)
  },

  /** Answers all pending requests at once. Resolves with the milliseconds that each one waited. */
  commit: () =>
    Promise.all(
      pending.map(async (exchange) => {
        const began = performance.now()
        await exchange.commit(200)
        return performance.now() - began
      }),
    ),

  /** @param {{ cookie: string }} work */
  async visits({ cookie }) {
    return (await sess.exchange(cookie).open()).visits
  },

  statements: countStatements,

  memory() {
    globalThis.gc?.()
    const { heapUsed, rss } = process.memoryUsage()
    return { heapUsed, rss }
  },
})
say('ready')
