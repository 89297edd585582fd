// What a request costs a server: the CPU time of its process, the throughput, and the 99th percentile of the latency.
// On each store, for each size of session, all contestants take turns in short batches over real HTTP.
import { startBackend } from '../backends.js'
import { contestantsOn, STORES } from '../contestants/index.js'
import { REQUESTS, Running } from '../running.js'
import { Worker } from '../worker.js'
import { costRatio, ratio, show, shuffled, spread } from '../ratio.js'
import { table } from '../table.js'
import { TO_LIMIT, TO_PEER } from '../targets.js'

/** Bytes of JSON. A sealed cookie holds less than 3 kB, and one of iron-session less than 2 kB. */
const SIZES = { cookie: [200, 1500] }
const USUAL_SIZES = [200, 4096]

/**
 * `sittings`: how often the contestants' processes are started, since two processes of the same code differ by a few
 * hundredths for as long as they run. `warmUp`: requests until the code is warm. `rounds`: per sitting, the same for
 * all contestants of a store, because their figures are compared across rounds. `amount`: requests of one contestant in
 * one round.
 */
const LONG = { sittings: 3, warmUp: 6000, rounds: 21, amount: 400 }
const SHORT = { sittings: 1, warmUp: 4000, rounds: 7, amount: 500 }

/** Requests that ignore the session are left out: they cost @sess nothing, so there is nothing to compare. */
const PEER_REQUESTS = ['reads', 'writes', 'login']

/** For how many requests the commands are counted. */
const COUNTED = 640

/**
 * @typedef {object} Row
 * @property {string} store
 * @property {number} bytes
 * @property {string} request
 * @property {string} name
 * @property {string} kind
 * @property {string} framework
 * @property {number} sittings
 * @property {number[]} cpu microseconds of the server's CPU time per request, by round
 * @property {number[]} perSecond
 * @property {number[]} p99 milliseconds
 * @property {number} commands at the store, per request
 */

/** @param {import('../start.js').Wanted} wanted @returns {Promise<Row[]>} */
export async function measure({ isWanted, isShort }) {
  const terms = isShort ? SHORT : LONG
  const rows = []
  for (const store of STORES.filter((name) => isWanted(name))) {
    for (const bytes of (SIZES[store] ?? USUAL_SIZES).slice(0, isShort ? 1 : undefined)) {
      console.error(`requests: ${store}, ${bytes} bytes`)
      rows.push(...(await measureStore(store, bytes, terms)))
    }
  }
  return rows
}

/** @param {string} store @param {number} bytes @param {typeof LONG} terms @returns {Promise<Row[]>} */
async function measureStore(store, bytes, { sittings, warmUp, rounds, amount }) {
  const rows = contestantsOn(store).flatMap(({ name, kind, framework }) =>
    Object.keys(REQUESTS).map((request) => {
      return { store, bytes, request, name, kind, framework, sittings, cpu: [], perSecond: [], p99: [], commands: 0 }
    }),
  )
  for (let sitting = 1; sitting <= sittings; sitting++) {
    const backend = await startBackend(store)
    const load = new Worker('load.js')
    const running = []
    for (const contestant of contestantsOn(store))
      running.push(await Running.start(contestant, backend.where, bytes, load))
    for (const one of running) await one.login()

    for (const request of Object.keys(REQUESTS)) {
      // In turn as well: a process that idles for seconds frees memory, and is slow again for thousands of requests.
      for (let sent = 0; sent < warmUp; sent += amount)
        for (const one of shuffled(running)) await one.send(request, amount)
      for (let round = 0; round < rounds; round++) {
        for (const one of shuffled(running)) {
          const result = await one.time(request, amount)
          const row = find(rows, request, one.contestant.name)
          for (const [what, seen] of Object.entries(result)) row[what].push(seen)
          // The next contestant must not get a server that is full of sessions.
          if (request === 'login') await backend.clear()
        }
      }
    }

    // Last, because counting slows the requests down.
    if (sitting === sittings) for (const one of running) await countCommands(one, backend, rows)
    for (const one of running) await one.stop()
    await load.stop()
    await backend.stop()
  }
  return rows
}

/** @param {Running} one @param {import('../backends.js').Backend} backend @param {readonly Row[]} rows */
async function countCommands(one, backend, rows) {
  await one.login()
  const count = backend.count ?? (() => one.countStatements())
  for (const row of rows.filter(({ name }) => name === one.contestant.name)) {
    const before = await count()
    await one.send(row.request, COUNTED)
    row.commands = ((await count()) - before) / COUNTED
  }
}

/** @param {readonly Row[]} rows */
export function report(rows) {
  const contestants = groupsOf(rows).map((group) => {
    const cpu = byContestant('µs of CPU time', group, (row) => show(spread(row.cpu), 0))
    const besides = byContestant('requests/s; p99 in ms; commands', group, ({ perSecond, p99, commands }) =>
      [spread(perSecond).median.toFixed(0), spread(p99).median.toFixed(1), Number(commands.toFixed(2))].join('; '),
    )
    return [`### ${titleOf(group[0])} bytes`, cpu, besides].join('\n\n')
  })
  return ['### By the limit', byLimit(rows), '### By the peers', byPeer(rows), ...contestants].join('\n\n')
}

/** By store and size. @param {readonly Row[]} rows */
function groupsOf(rows) {
  const titles = new Set(rows.map(titleOf))
  return [...titles].map((title) => rows.filter((row) => titleOf(row) === title))
}

/** @param {Row} row */
const titleOf = ({ store, bytes }) => `${store}, ${bytes}`

/** @param {readonly Row[]} rows @param {string} request @param {string} name */
const find = (rows, request, name) => rows.find((row) => row.request === request && row.name === name)

/**
 * A line for each contestant, a column for each request.
 *
 * @param {string} title
 * @param {readonly Row[]} rows
 * @param {(row: Row) => string} cell
 */
function byContestant(title, rows, cell) {
  const requests = Object.keys(REQUESTS)
  const names = [...new Set(rows.map(({ name }) => name))]
  return table(
    [title, ...requests],
    names.map((name) => [name].concat(requests.map((request) => cell(find(rows, request, name))))),
  )
}

/** @sess on node:http, divided by the limit: a line for each store and size. @param {readonly Row[]} rows */
function byLimit(rows) {
  const lines = groupsOf(rows).map((group) => {
    const [{ store }] = group
    const cells = Object.entries(TO_LIMIT).map(([request, { to, most }]) => {
      const [own, other] = [find(group, request, '@sess on node'), find(group, request, to)]
      return judged(ratio(own.cpu, other.cpu), most[store])
    })
    return [titleOf(group[0])].concat(cells)
  })
  return table(['store, bytes', ...Object.keys(TO_LIMIT)], lines)
}

/** The session's own cost, divided by that of the peer: a line for each peer and size. @param {readonly Row[]} rows */
function byPeer(rows) {
  const lines = Object.entries(TO_PEER).flatMap(([peer, most]) => {
    const groups = groupsOf(rows).filter((group) => group.some(({ name }) => name === peer))
    return groups.map((group) => {
      const cells = PEER_REQUESTS.map((request) => {
        const other = find(group, request, peer)
        const [own, bare] = ['@sess on', 'bare'].map((who) => find(group, request, `${who} ${other.framework}`))
        return judged(costRatio(own.cpu, other.cpu, bare.cpu, other.sittings), most)
      })
      return [peer, String(group[0].bytes), most.toFixed(2)].concat(cells)
    })
  })
  return table(['peer', 'bytes', 'at most', ...PEER_REQUESTS], lines)
}

/** Bold if it is above the target, as far as the digits show. @param {import('../ratio.js').Spread} seen @param {number | undefined} most */
function judged(seen, most) {
  const isOver = most !== undefined && Number(seen.median.toFixed(2)) > Number(most.toFixed(2))
  return isOver ? `**${show(seen)}**` : show(seen)
}
