// How the cost of a request grows with the size of a session, the number of its keys, and the number of sessions.
import { startBackend } from '../backends.js'
import { shuffled, spread } from '../ratio.js'
import { sessionOf } from '../session.js'
import { table } from '../table.js'
import { Worker } from '../worker.js'

const LONG = { rounds: 9, most: 1_000_000 }
const SHORT = { rounds: 5, most: 10_000 }

/** Fewer requests for larger sessions, so that no turn takes long. @param {number} bytes */
const amountFor = (bytes) => Math.max(20, Math.min(400, Math.floor(4_000_000 / bytes)))

/** A session of so many keys, each with a short value. @param {number} keys */
function withKeys(keys) {
  const others = Array.from({ length: keys - 1 }, (_, n) => [`key${n}`, `value ${n}`])
  return { visits: 17, ...Object.fromEntries(others) }
}

/**
 * @typedef {object} Point
 * @property {string} axis
 * @property {number} at
 * @property {object} data
 * @property {number} [sessions]
 */

/** @type {readonly Point[]} */
const SIZES = [200, 1024, 4096, 16_384, 65_536, 262_144].map((at) => ({ axis: 'bytes', at, data: sessionOf(at - 120) }))
/** @type {readonly Point[]} */
const KEYS = [1, 10, 100, 1000].map((at) => ({ axis: 'keys', at, data: withKeys(at) }))
/** @param {number} most @returns {readonly Point[]} */
const sessionsUpTo = (most) =>
  [1000, 10_000, 100_000, 1_000_000]
    .filter((at) => at <= most)
    .map((at) => ({ axis: 'sessions', at, data: sessionOf(200), sessions: at }))

/** Each list of points gets its own process. Each number of sessions needs one, so it is a list of one point. */
const AXES = {
  memory: (/** @type {number} */ most) => [SIZES, KEYS, ...sessionsUpTo(most).map((point) => [point])],
  sqlite: (/** @type {number} */ most) => [SIZES, KEYS, ...sessionsUpTo(most).map((point) => [point])],
  redis: () => [SIZES, KEYS],
  memcache: () => [SIZES.slice(0, -1), KEYS],
}

const USES = ['reads', 'reads all', 'writes']

/** @typedef {{ store: string, axis: string, at: number, use: string, cpu: number[] }} Row */

/** @param {import('../start.js').Wanted} wanted @returns {Promise<Row[]>} */
export async function measure({ isWanted, isShort }) {
  const { rounds, most } = isShort ? SHORT : LONG
  /** @type {Row[]} */
  const rows = []
  for (const [store, axes] of Object.entries(AXES).filter(([name]) => isWanted(name))) {
    for (const points of axes(most)) {
      const [{ axis, at }] = points
      console.error(`growth: ${store}, from ${at} ${axis}`)
      rows.push(...(await measurePoints(store, points, rounds)))
    }
  }
  return rows
}

/** @param {string} store @param {readonly Point[]} points @param {number} rounds @returns {Promise<Row[]>} */
async function measurePoints(store, points, rounds) {
  const backend = await startBackend(store)
  const limits = store === 'memory' ? { maxEntries: 2_000_000 } : {}
  const worker = new Worker('exchanges.js', [store, backend.where, JSON.stringify(limits)])
  await worker.hears()
  for (const { at, data, sessions = 20 } of points) {
    await worker.tell('prepare', { point: String(at), data, amount: sessions })
  }
  const rows = points.flatMap(({ axis, at, data }) => {
    const amount = amountFor(JSON.stringify(data).length)
    return USES.map((use) => ({ amount, row: { store, axis, at, use, cpu: /** @type {number[]} */ ([]) } }))
  })
  for (let round = -3; round < rounds; round++) {
    for (const { amount, row } of shuffled(rows)) {
      const cpu = await worker.tell('time', { point: String(row.at), use: row.use, amount })
      if (round >= 0) row.cpu.push(cpu)
    }
  }
  await worker.stop()
  await backend.stop()
  return rows.map(({ row }) => row)
}

/** @param {readonly Row[]} rows */
export function report(rows) {
  const stores = [...new Set(rows.map(({ store }) => store))]
  const axes = [...new Set(rows.map(({ axis }) => axis))]
  const tables = stores.flatMap((store) =>
    axes.map((axis) => {
      const points = rows.filter((row) => row.store === store && row.axis === axis)
      const numbers = [...new Set(points.map(({ at }) => at))]
      const cell = (/** @type {number} */ at, /** @type {string} */ use) => {
        const found = points.find((row) => row.at === at && row.use === use)
        return found === undefined ? '' : spread(found.cpu).median.toFixed(1)
      }
      const lines = numbers.map((at) => [String(at), ...USES.map((use) => cell(at, use))])
      return numbers.length === 0 ? '' : table([`${store}: ${axis}`, ...USES.map((use) => `${use}, µs`)], lines)
    }),
  )
  return tables.filter((text) => text !== '').join('\n\n')
}
