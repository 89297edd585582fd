// The memory that sessions take: in the process on memory and sqlite, at the server on redis and memcached. Also what
// remains of anonymous requests, and of a day of sessions that have ended.
import { Redis } from 'ioredis'
import { ask } from '../../scripts/servers/server.js'
import { startBackend } from '../backends.js'
import { contestantsOn } from '../contestants/index.js'
import { Running } from '../running.js'
import { sessionOf } from '../session.js'
import { table } from '../table.js'
import { Worker } from '../worker.js'

const LONG = { sessions: 100_000, atServer: 20_000, requests: 1_000_000, hours: 24 }
const SHORT = { sessions: 10_000, atServer: 2000, requests: 50_000, hours: 3 }
const EXPOSE_GC = ['--expose-gc']
const BYTES = 200

/** @typedef {{ store: string, who: string, what: string, amount: number, unit: string }} Row */

/** @param {import('../start.js').Wanted} wanted @returns {Promise<Row[]>} */
export async function measure({ isWanted, isShort }) {
  const { sessions, atServer, requests, hours } = isShort ? SHORT : LONG
  /** @type {Row[]} */
  const rows = []
  for (const store of ['memory', 'sqlite'].filter((name) => isWanted(name)))
    rows.push(...(await inProcess(store, sessions)))
  for (const store of ['redis', 'memcache'].filter((name) => isWanted(name)))
    rows.push(...(await atTheServer(store, atServer)))
  if (isWanted('memory')) rows.push(...(await left('anonymous', { requests })), ...(await left('day', { hours })))
  return rows
}

/** @param {string} store @param {number} sessions @returns {Promise<Row[]>} */
async function inProcess(store, sessions) {
  console.error(`footprint: ${sessions} sessions in ${store}`)
  const backend = await startBackend(store)
  const worker = new Worker(
    'exchanges.js',
    [store, backend.where, JSON.stringify(store === 'memory' ? { maxEntries: 2_000_000 } : {})],
    EXPOSE_GC,
  )
  await worker.hears()
  // Warms up, so that what exists before any session is not counted as part of one.
  await worker.tell('fill', { data: sessionOf(BYTES), amount: 1000 })
  const before = await worker.tell('memory')
  await worker.tell('fill', { data: sessionOf(BYTES), amount: sessions })
  const after = await worker.tell('memory')
  await worker.stop()
  await backend.stop()
  return ['heapUsed', 'rss'].map((what) => {
    const each = (after[what] - before[what]) / sessions
    return { store, who: '@sess', what, amount: (each * 100_000) / 2 ** 20, unit: 'MiB for 100,000 sessions' }
  })
}

/** How many bytes the server's data take now, by store. @type {Record<string, (where: string) => Promise<number>>} */
const USED = {
  async redis(where) {
    const client = new Redis(where)
    const used = /used_memory_dataset:(\d+)/.exec(await client.info('memory'))?.[1]
    client.disconnect()
    return Number(used)
  },
  async memcache(where) {
    return Number(/STAT bytes (\d+)/.exec(await ask(Number(where.split(':')[1]), 'stats'))?.[1])
  },
}

/** The server's CPU time so far, in seconds, by store. @type {Record<string, (where: string) => Promise<number>>} */
const BUSY = {
  async redis(where) {
    const client = new Redis(where)
    const text = await client.info('cpu')
    client.disconnect()
    return total(text.matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm))
  },
  async memcache(where) {
    return total((await ask(Number(where.split(':')[1]), 'stats')).matchAll(/STAT rusage_\w+ ([\d.]+)/g))
  },
}

/** @param {Iterable<RegExpMatchArray>} numbers */
function total(numbers) {
  return [...numbers].reduce((sum, [, number]) => sum + Number(number), 0)
}

/** @param {string} store @param {number} sessions @returns {Promise<Row[]>} */
async function atTheServer(store, sessions) {
  const rows = []
  const onExpress = contestantsOn(store).filter(({ framework, kind }) => framework === 'express' && kind !== 'bare')
  for (const contestant of onExpress) {
    const who = contestant.name
    console.error(`footprint: ${sessions} sessions of ${who} in ${store}`)
    const backend = await startBackend(store)
    const load = new Worker('load.js')
    const running = await Running.start(contestant, backend.where, BYTES, load)
    const before = await USED[store](backend.where)
    await running.send('login', sessions)
    const each = ((await USED[store](backend.where)) - before) / sessions
    rows.push({ store, who, what: 'at the server', amount: each, unit: 'bytes for a session' })
    await running.login()
    for (const request of ['reads', 'writes']) {
      const began = await BUSY[store](backend.where)
      await running.send(request, sessions)
      const spent = ((await BUSY[store](backend.where)) - began) / sessions
      rows.push({ store, who, what: request, amount: spent * 1_000_000, unit: "µs of the server's CPU time" })
    }
    await running.stop()
    await load.stop()
    await backend.stop()
  }
  return rows
}

/** What remains in the heap after each step of a task of ../soak.js. @param {string} task @param {object} work @returns {Promise<Row[]>} */
async function left(task, work) {
  console.error(`footprint: ${task}`)
  const worker = new Worker('soak.js', [], EXPOSE_GC)
  await worker.hears()
  /** @type {{ what: string, bytes: number }[]} */
  const steps = await worker.tell(task, work)
  await worker.stop()
  return steps.map(({ what, bytes }) => ({
    store: 'memory',
    who: '@sess',
    what,
    amount: bytes / 2 ** 20,
    unit: 'MiB of heap',
  }))
}

/** @param {readonly Row[]} rows */
export function report(rows) {
  return table(
    ['store', 'contestant', 'what', 'measured'],
    rows.map(({ store, who, what, amount, unit }) => [store, who, what, `${amount.toFixed(1)} ${unit}`]),
  )
}
