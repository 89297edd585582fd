// What it costs to observe sessions by node:diagnostics_channel: a request with subscribers on every channel, compared with
// the same request without any. Both are in one process, and take turns.
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { join } from 'node:path'
import cookie from '@sess/adapter-cookie'
import memory from '@sess/adapter-memory'
import redis from '@sess/adapter-redis'
import sqlite from '@sess/adapter-sqlite'
import { sessions } from '@sess/core'
import { startBackend } from '../backends.js'
import { ratio, show, shuffled, spread } from '../ratio.js'
import { SECRET, sessionOf } from '../session.js'
import { table } from '../table.js'
import { USES, visit } from '../visit.js'

/** Requests at the same time. */
const WIDTH = 64
const REQUESTS = 2000

/**
 * @typedef {import('@sess/core').Sessions} Sessions
 * @typedef {{ off: number[], on: number[] }} Times CPU time of a request, in microseconds, by round
 * @typedef {{ store: string, use: string, times: Times }} Row
 */

/** @type {Record<string, (where: string) => Sessions>} */
const OPEN = {
  cookie: () => sessions(cookie, { secret: SECRET }),
  memory: () => sessions(memory, { secret: SECRET, maxEntries: 1_000_000 }),
  redis: (url) => sessions(redis, { secret: SECRET, url }),
  sqlite: (folder) => sessions(sqlite, { secret: SECRET, file: join(folder, 'observing.sqlite') }),
}

let heard = 0
const hear = () => void heard++
const EVENTS = { start: hear, end: hear, asyncStart: hear, asyncEnd: hear, error: hear }
const TRACED = ['open', 'commit', 'store'].map((name) => tracingChannel(`sess.${name}`))
const TOLD = ['begin', 'login', 'end', 'conflict'].map((name) => `sess.${name}`)

/** Subscribes to every channel. Returns what ends that. */
function listen() {
  for (const channel of TRACED) channel.subscribe(EVENTS)
  for (const name of TOLD) subscribe(name, hear)
  return () => {
    for (const channel of TRACED) channel.unsubscribe(EVENTS)
    for (const name of TOLD) unsubscribe(name, hear)
  }
}

/** @param {import('../start.js').Wanted} wanted @returns {Promise<Row[]>} */
export async function measure({ isWanted, isShort }) {
  /** @type {Row[]} */
  const rows = []
  for (const [store, open] of Object.entries(OPEN).filter(([name]) => isWanted(name))) {
    console.error(`observing: ${store}`)
    const backend = await startBackend(store)
    const sess = open(backend.where)
    for (const [use, act] of Object.entries(USES))
      rows.push({ store, use, times: await compare(sess, act, isShort ? 30 : 150) })
    await sess.close()
    await backend.stop()
  }
  return rows
}

/** @param {Sessions} sess @param {import('../visit.js').Use} use @param {number} rounds @returns {Promise<Times>} */
async function compare(sess, use, rounds) {
  let cookies = await Promise.all(
    Array.from({ length: WIDTH }, () => visit(sess, null, (session) => void Object.assign(session, sessionOf(200)))),
  )
  /** @type {Times} */
  const times = { off: [], on: [] }
  for (let round = -5; round < rounds; round++) {
    for (const way of shuffled(/** @type {const} */ (['off', 'on']))) {
      const before = heard
      const stop = way === 'on' ? listen() : () => undefined
      const began = process.cpuUsage()
      for (let done = 0; done < REQUESTS; done += cookies.length)
        cookies = await Promise.all(cookies.map((each) => visit(sess, each, use)))
      const { user, system } = process.cpuUsage(began)
      stop()
      if (heard > before !== (way === 'on'))
        throw new Error(`With listening ${way}, ${heard - before} messages were heard.`)
      if (round >= 0) times[way].push((user + system) / REQUESTS)
    }
  }
  return times
}

/** @param {readonly Row[]} rows */
export function report(rows) {
  return table(
    ['store', 'request', 'nobody listens, µs', 'somebody does, µs', 'with : without'],
    rows.map(({ store, use, times: { on, off } }) => [
      store,
      use,
      show(spread(off), 1),
      show(spread(on), 1),
      show(ratio(on, off)),
    ]),
  )
}
