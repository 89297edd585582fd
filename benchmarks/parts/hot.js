// Many requests that change one session at the same moment: the commands that each change takes at the store, and how
// long each request waits.
import { startBackend } from '../backends.js'
import { sessionOf } from '../session.js'
import { show, spread } from '../ratio.js'
import { table } from '../table.js'
import { Worker } from '../worker.js'

const STORES = ['redis', 'memcache', 'sqlite']
const WRITERS = [1, 64, 200]
const PROCESSES = [1, 4]
/** At most, commands for a change, by the number of processes. */
const MOST = { 1: 1.1, 4: 2 }

/**
 * @typedef {object} Row
 * @property {string} store
 * @property {number} processes
 * @property {number} writers in all of them
 * @property {number[]} commands for one change, by round
 * @property {number[]} waits in milliseconds, of every request of every round
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
  const row = { store, processes: workers.length, writers, commands: [], waits: [] }
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
    if (visits !== 17 + writers) throw new Error(`${writers} requests added ${visits - 17} visits.`)
    if (round < 0) continue
    row.commands.push(commands / writers)
    row.waits.push(...waits.flat())
  }
  return row
}

/** @param {readonly Row[]} rows */
export function report(rows) {
  const lines = rows.map(({ store, processes, writers, commands, waits }) => {
    const most = writers < 64 ? undefined : MOST[processes]
    const { median, low, high } = spread(commands)
    const sorted = waits.toSorted((one, other) => one - other)
    const last = [0.99, 1].map((part) => sorted[Math.ceil(sorted.length * part) - 1]?.toFixed(1) ?? '')
    const reached = most === undefined ? ['', ''] : [String(most), median <= most ? 'yes' : 'no']
    const who = [store, String(processes), String(writers)]
    return [...who, show({ median, low, high }), ...reached, spread(waits).median.toFixed(1), ...last]
  })
  const heads = ['store', 'processes', 'writers', 'commands for a change', 'at most', 'reached']
  return table(heads.concat('waits, ms: median', '99 %', 'longest'), lines)
}
