// All clients, in one process. Each has a connection that it keeps, and sends one request at a time, at fixed moments.
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { answer, say } from '../worker.js'
import { Known, Ledger } from './ledger.js'

/** The parts of all requests. The rest are reads. */
const MIX = /** @type {const} */ ({ count: 0.16, begin: 0.02, logout: 0.02, login: 0.01 })
/** Milliseconds without an answer until a request is given up: far more than the deadline of the store. */
const PATIENCE = 10_000
/** Milliseconds between two attempts to read a session at the end, and how many there are. */
const [PAUSE, ATTEMPTS] = [250, 480]

/** @typedef {keyof typeof MIX | 'read'} Act */
/** @typedef {{ status: number, visits: number | null, cookie: string | undefined }} Reply `status` 0: no answer came */

const ledger = new Ledger()
/** How many requests succeeded, and of how many the outcome is unknown. @type {Record<Act, { acknowledged: number, unknown: number }>} */
const counts = Object.fromEntries(['read', ...Object.keys(MIX)].map((act) => [act, { acknowledged: 0, unknown: 0 }]))
/** @type {Client[]} */
let clients = []
/** When the load began (`Date.now()`). */
let epoch = 0
const over = new AbortController()

/** By its status: how a request ended. */
const ENDS = /** @type {const} */ ({ 200: 'succeeded', 503: 'unavailable', 409: 'conflict', 0: 'unanswered' })

/** How many requests ended in each second, by how, and the milliseconds that each of them took. */
const seconds = []

/** @returns {Act} */
function draw() {
  let chance = Math.random()
  for (const [act, part] of Object.entries(MIX)) {
    if (chance < part) return act
    chance -= part
  }
  return 'read'
}

/** @param {number} status @param {number} ms */
function record(status, ms) {
  const at = Math.floor((Date.now() - epoch) / 1000)
  while (seconds.length <= at)
    seconds.push({ ms: [], ends: { succeeded: 0, unavailable: 0, conflict: 0, unanswered: 0, other: 0 } })
  seconds[at].ms.push(ms)
  seconds[at].ends[ENDS[status] ?? 'other']++
}

/** Without the last second, which is not over. */
function summary() {
  return seconds.slice(0, -1).map(({ ms, ends }) => {
    const sorted = ms.toSorted((one, other) => one - other)
    // `null`: no request ended in that second.
    const [p50, p99] = [0.5, 0.99].map((part) => {
      const value = sorted[Math.floor(part * sorted.length)]
      return value === undefined ? null : Number(value.toFixed(1))
    })
    return Object.assign(ends, { p50, p99 })
  })
}

class Client {
  #port
  #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  /** Those that it uses. @type {Known[]} */
  #sessions = []
  /** Those that it no longer uses, because they may be gone. @type {Known[]} */
  #doubtful = []
  /** The cookies of those that it has logged out of. @type {string[]} */
  #ended = []

  /** @param {number} port */
  constructor(port) {
    this.#port = port
  }

  /** @param {string} cookie */
  take(cookie) {
    this.#sessions.push(new Known(cookie))
  }

  /** Sends requests until it is over. A request that is late is sent at once. @param {number} first @param {number} period */
  async stay(first, period) {
    for (let due = first; !over.signal.aborted; due += period) {
      await sleep(Math.max(0, due - performance.now()))
      const act = this.#sessions.length === 0 ? 'begin' : draw()
      const at = Math.floor(Math.random() * this.#sessions.length)
      const known = act === 'begin' ? undefined : this.#sessions[at]
      const reply = await this.#send(act, known?.cookie)
      // From when it was due: what waits behind a late answer is late too.
      record(reply.status, performance.now() - due)
      this.#note(act, reply, known, at)
    }
  }

  /** Compares every session with what is known about it. */
  async check() {
    for (const known of this.#sessions) ledger.see(known, await this.#look(known.cookie))
    for (const known of this.#doubtful) {
      const visits = await this.#look(known.cookie)
      if (visits !== null) ledger.see(known, visits)
    }
    for (const cookie of this.#ended) if ((await this.#look(cookie)) !== null) ledger.faults.revived++
    this.#agent.destroy()
    return this.#sessions.length + this.#doubtful.length + this.#ended.length
  }

  /** @param {Act} act @param {Reply} reply @param {Known} [known] @param {number} [at] */
  #note(act, { status, visits, cookie }, known = new Known(cookie ?? ''), at = -1) {
    // What is refused as a conflict has not been done.
    if (status === 409) return
    if (status !== 200) {
      counts[act].unknown++
      if (act === 'count') known.doubt()
      if (act === 'login' || act === 'logout') this.#doubtful.push(this.#drop(at))
      return
    }
    counts[act].acknowledged++
    if (act === 'begin') {
      this.#sessions.push(known)
      return
    }
    // A change to a session that is gone begins another one.
    const isGone = act === 'count' && cookie !== undefined
    if (!ledger.see(known, isGone ? null : visits, act === 'count' ? 1 : 0)) this.#drop(at)
    else if (act === 'logout') this.#ended.push(this.#drop(at).cookie)
    else if (act === 'login') known.cookie = cookie ?? ''
  }

  /** Removes a session from those in use. @param {number} at @returns {Known} */
  #drop(at) {
    const known = this.#sessions[at]
    this.#sessions[at] = this.#sessions[this.#sessions.length - 1]
    this.#sessions.pop()
    return known
  }

  /** The count of a session, once the store answers. @param {string} cookie @returns {Promise<number | null>} */
  async #look(cookie) {
    let last = 0
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { status, visits } = await this.#send('read', cookie)
      if (status === 200) return visits
      last = status
      await sleep(PAUSE)
    }
    throw new Error(`A session cannot be read, long after the load has ended: the answer is ${last}.`)
  }

  /** @param {Act} act @param {string | undefined} cookie @returns {Promise<Reply>} */
  async #send(act, cookie) {
    try {
      const response = await new Promise((resolve, reject) => {
        request({
          host: '127.0.0.1',
          port: this.#port,
          method: act === 'read' ? 'GET' : 'POST',
          path: `/${act}`,
          agent: this.#agent,
          headers: cookie === undefined ? {} : { cookie },
          signal: AbortSignal.timeout(PATIENCE),
        })
          .on('response', resolve)
          .on('error', reject)
          .end()
      })
      const body = await text(response)
      const [line] = response.headers['set-cookie'] ?? []
      const visits = response.statusCode === 200 ? JSON.parse(body).visits : null
      return { status: response.statusCode, visits, cookie: line?.split(';')[0] }
    } catch {
      return { status: 0, visits: null, cookie: undefined }
    }
  }
}

/** @type {Promise<unknown>} */
let load

answer({
  /** @param {{ ports: readonly number[], connections: number }} work */
  connect({ ports, connections }) {
    clients = Array.from({ length: connections }, (_, at) => new Client(ports[at % ports.length] ?? 0))
  },

  /** Spreads sessions over the clients. @param {{ cookies: readonly string[] }} work */
  take({ cookies }) {
    for (const [at, cookie] of cookies.entries()) clients[at % clients.length]?.take(cookie)
  },

  /** Resolves with when that was. @param {{ perSecond: number }} work how many requests all clients send */
  start({ perSecond }) {
    epoch = Date.now()
    const [now, period] = [performance.now(), (1000 * clients.length) / perSecond]
    load = Promise.all(clients.map((client, at) => client.stay(now + (at * period) / clients.length, period)))
    return { epoch }
  },

  async stop() {
    over.abort()
    await load
    return summary()
  },

  /** Reads every session. */
  async check() {
    const amounts = await Promise.all(clients.map((client) => client.check()))
    const sessions = amounts.reduce((sum, amount) => sum + amount, 0)
    return { sessions, counts, ...ledger.faults, broken: ledger.broken }
  },
})
say('ready')
