// What the option `owner` costs: a read and a login with it, compared with those without, and how long it takes to list and
// to revoke the sessions of a user who has 10,000.
import { join } from 'node:path'
import memcache from '@sess/adapter-memcache'
import memory from '@sess/adapter-memory'
import redis from '@sess/adapter-redis'
import sqlite from '@sess/adapter-sqlite'
import { sessions } from '@sess/core'
import { createAdapterContext } from '@sess/core/adapter'
import { startBackend } from '../backends.js'
import { ratio, show, shuffled, spread } from '../ratio.js'
import { SECRET, sessionOf } from '../session.js'
import { table } from '../table.js'
import { OWNERS } from '../targets.js'
import { visit } from '../visit.js'

const SESSIONS = 10_000
/** Logins at the same time. */
const WIDTH = 64
const READS = 2000
const context = createAdapterContext({ secret: SECRET })

/**
 * @typedef {import('@sess/core/adapter').ServerStore} ServerStore
 * @typedef {import('@sess/core').Sessions} Sessions
 *
 * @typedef {object} Row
 * @property {string} store
 * @property {{ with: number[], without: number[] }} reads CPU time of each, in microseconds, by round
 * @property {{ with: number, without: number }} calls of the store for a login of a session that the browser has
 * @property {Times} listing
 * @property {Times} revoking
 *
 * @typedef {{ wall: number[], cpu: number[] }} Times in seconds, by round; CPU time of this process alone
 */

/** @type {Record<string, (where: string) => import('@sess/core/adapter').Store>} */
const OPEN = {
  memory: () => memory({}, context),
  redis: (url) => redis({ url, deadline: 20_000 }, context),
  memcache: (servers) => memcache({ servers, deadline: 20_000 }, context),
  sqlite: (folder) => sqlite({ file: join(folder, 'owners.sqlite'), deadline: 20_000 }, context),
}

/** @param {import('../start.js').Wanted} wanted @returns {Promise<Row[]>} */
export async function measure({ isWanted, isShort }) {
  /** @type {Row[]} */
  const rows = []
  for (const [name, open] of Object.entries(OPEN).filter(([store]) => isWanted(store))) {
    console.error(`owners: ${name}`)
    const backend = await startBackend(name)
    const store = open(backend.where)
    if (store.kind !== 'server') throw new Error(`The ${name} store is not a server store.`)
    const reads = await measureReads(store, isShort ? 30 : 150)
    const calls = await countCalls(store)
    const times = await measureMany(store, isShort ? 2 : 5)
    rows.push({ store: name, reads, calls, ...times })
    await store.close()
    await backend.stop()
  }
  return rows
}

/** @param {ServerStore} store @param {'user' | undefined} owner @returns {Sessions} */
const sessionsOn = (store, owner) => sessions(store, { secret: SECRET, owner })

/** @param {string} user */
const login = (user) => (/** @type {Record<string, unknown>} */ session) => {
  Object.assign(session, sessionOf(200), { user })
}

const look = () => undefined

/** @param {ServerStore} store @param {number} rounds @returns {Promise<Row['reads']>} */
async function measureReads(store, rounds) {
  const contestants = await Promise.all(
    /** @type {const} */ (['user', undefined]).map(async (owner) => {
      const sess = sessionsOn(store, owner)
      const cookies = await Promise.all(
        Array.from({ length: WIDTH }, (_, number) => visit(sess, null, login(`reader ${number}`))),
      )
      return { name: /** @type {const} */ (owner === undefined ? 'without' : 'with'), sess, cookies }
    }),
  )
  /** @type {Row['reads']} */
  const reads = { with: [], without: [] }
  for (let round = -5; round < rounds; round++) {
    for (const { name, sess, cookies } of shuffled(contestants)) {
      const before = process.cpuUsage()
      for (let done = 0; done < READS; done += cookies.length)
        await Promise.all(cookies.map((cookie) => visit(sess, cookie, look)))
      const { user, system } = process.cpuUsage(before)
      if (round >= 0) reads[name].push((user + system) / READS)
    }
  }
  return reads
}

/** @param {ServerStore} store @returns {Promise<Row['calls']>} */
async function countCalls(store) {
  let calls = 0
  const counted = new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (!['create', 'read', 'update', 'destroy'].includes(String(name))) return value
      return (/** @type {unknown[]} */ ...args) => {
        calls++
        return Reflect.apply(value, target, args)
      }
    },
  })
  /** @param {'user' | undefined} owner */
  const count = async (owner) => {
    const sess = sessionsOn(counted, owner)
    const cookie = await visit(sess, null, (session) => Object.assign(session, { cart: [] }))
    calls = 0
    await visit(sess, cookie, (session) => {
      session['user'] = 'who logs in'
      session.regenerate()
    })
    return calls
  }
  return { with: await count('user'), without: await count(undefined) }
}

/** @param {ServerStore} store @param {number} rounds @returns {Promise<Pick<Row, 'listing' | 'revoking'>>} */
async function measureMany(store, rounds) {
  const sess = sessionsOn(store, 'user')
  /** @type {Times} */
  const listing = { wall: [], cpu: [] }
  /** @type {Times} */
  const revoking = { wall: [], cpu: [] }
  // The first round is not counted: the code is new to V8.
  for (let round = -1; round < rounds; round++) {
    const user = `with many, ${round}`
    let next = 0
    await Promise.all(
      Array.from({ length: WIDTH }, async () => {
        while (next++ < SESSIONS) await visit(sess, null, login(user))
      }),
    )
    for (const [times, work] of /** @type {const} */ ([
      [listing, async () => (await sess.owner(user).sessions()).length],
      [revoking, () => sess.owner(user).revoke()],
    ])) {
      const [began, before] = [performance.now(), process.cpuUsage()]
      const count = await work()
      const [took, cpu] = [performance.now() - began, process.cpuUsage(before)]
      if (count !== SESSIONS) throw new Error(`There were ${SESSIONS} sessions, not ${count}.`)
      if (round < 0) continue
      times.wall.push(took / 1000)
      times.cpu.push((cpu.user + cpu.system) / 1_000_000)
    }
  }
  return { listing, revoking }
}

/** @param {readonly Row[]} rows */
export function report(rows) {
  const bounded = rows.flatMap(({ store, reads, calls, listing, revoking }) => {
    const read = ratio(reads.with, reads.without)
    const [list, revoke] = [spread(listing.wall), spread(revoking.wall)]
    const [listCpu, revokeCpu] = [spread(listing.cpu), spread(revoking.cpu)]
    const more = calls.with - calls.without
    return [
      [store, 'read with : read without, CPU time', show(read), read.median, OWNERS.read],
      [store, 'login, store calls more', String(more), more, OWNERS.calls],
      [store, `${SESSIONS} sessions listed, s`, show(list, 3), list.median, OWNERS.list],
      [store, `${SESSIONS} sessions listed, s of CPU time`, show(listCpu, 3)],
      [store, `${SESSIONS} sessions revoked, s`, show(revoke, 3), revoke.median, OWNERS.revoke],
      [store, `${SESSIONS} sessions revoked, s of CPU time`, show(revokeCpu, 3)],
    ]
  })
  return table(
    ['store', '', 'measured', 'at most', 'reached'],
    bounded.map(([store, what, seen, value, most]) =>
      most === undefined ? [store, what, seen] : [store, what, seen, String(most), value <= most ? 'yes' : 'no'],
    ),
  )
}
