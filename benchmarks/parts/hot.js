// Many requests change one session at the same moment: how many store commands each change takes, and how long each
// request waits.
import { startBackend } from '../backends.js'
import { sessionOf } from '../session.js'
import { show, spread } from '../ratio.js'
import { table } from '../table.js'
import { Worker } from '../worker.js'

const STORES = ['redis', 'memcache', 'sqlite']
const WRITERS = [1, 64, 200]
const PROCESSES = [1, 4]
/** The targets: at most so many commands per change, by the number of processes. */
const MOST = { 1: 1.1, 4: 2 }

/**
 * @typedef {object} Row
 * @property {string} store
 * @property {number} processes
 * @property {number} writers in all processes together
 * @property {number[]} commands per change, by round
 * @property {{ median: number, most: number, longest: number }} waits in milliseconds, over all requests of all rounds;
 *   `most` is the 99th percentile
 */

/** @param {import('../start.js').Wanted} wanted @returns {Promise<Row[]>} */
export async function measure({ isWanted, isShort }) {
  const rounds = isShort ? 7 : 25
  /** @type {Row[]} */
  const rows = []
  for (const store of STORES.filter((name) => isWanted(name))) {
    for (const processes of PROCESSES) {
      console.error(`hot: ${store}, ${processes} processes`)
      const backend = await startBackend(store)
      const workers = Array.from({ length: processes }, () => new Worker('exchanges.js', [store, backend.where]))
      for (const worker of workers) await worker.hears()
      for (const writers of WRITERS.filter((number) => number >= processes)) {
        rows.push(await measureWriters(store, backend, workers, writers, rounds))
      }
      for (const worker of workers) await worker.stop()
      await backend.stop()
    }
  }
  return rows
}

/** @param {string} store @param {import('../backends.js').Backend} backend @param {readonly Worker[]} workers @param {number} writers @param {number} rounds @returns {Promise<Row>} */
async function measureWriters(store, backend, workers, writers, rounds) {
  /** @type {Row} */
  const row = { store, processes: workers.length, writers, commands: [], waits: { median: 0, most: 0, longest: 0 } }
  /** @type {number[]} */
  const all = []
  const amount = writers / workers.length
  /** @returns {Promise<number>} */
  const count = async () => {
    if (backend.count) return backend.count()
    const counts = await Promise.all(workers.map((worker) => worker.tell('statements')))
    return counts.reduce((/** @type {number} */ sum, one) => sum + Number(one), 0)
  }
  const [first] = workers
  for (let round = -3; round < rounds; round++) {
    const cookie = await first.tell('begin', { data: sessionOf(200) })
    await Promise.all(workers.map((worker) => worker.tell('open', { cookie, amount })))
    const before = await count()
    const waits = await Promise.all(workers.map((worker) => worker.tell('commit')))
    const commands = (await count()) - before
    const visits = await first.tell('visits', { cookie })
    if (visits !== 17 + writers) throw new Error(`A change was lost: ${writers} requests added ${visits - 17} visits.`)
    if (round < 0) continue
    row.commands.push(commands / writers)
    all.push(...waits.flat())
  }
  const sorted = all.toSorted((one, other) => one - other)
  const [median = 0, most = 0, longest = 0] = [0.5, 0.99, 1].map((part) => sorted[Math.ceil(sorted.length * part) - 1])
  return { ...row, waits: { median, most, longest } }
}

/** @param {readonly Row[]} rows */
export function report(rows) {
  const lines = rows.map(({ store, processes, writers, commands, waits }) => {
    const most = writers < 64 ? undefined : MOST[processes]
    const { median, low, high } = spread(commands)
    const reached = most === undefined ? ['', ''] : [String(most), median <= most ? 'yes' : 'no']
    const who = [store, String(processes), String(writers)]
    const waited = [waits.median, waits.most, waits.longest].map((ms) => ms.toFixed(1))
    return [...who, show({ median, low, high }), ...reached, ...waited]
  })
  const heads = ['store', 'processes', 'writers', 'commands per change', 'at most', 'reached']
  return table(heads.concat('waits, ms: median', '99 %', 'longest'), lines)
}
