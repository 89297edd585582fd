// Many sessions in a Redis Cluster, under load: slots are moved, a master is killed, and comes back. Writes what clients
// saw, and a chart of it. Fails if a change that was acknowledged is lost.
import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { startCluster } from '../scripts/servers/redis.js'
import { configure, cutOff, isInStep, keysOf, memoryOf, moveSlots, takesOver } from './scale/cluster.js'
import { plot } from './scale/plot.js'
import { isBusy, report } from './scale/report.js'
import { surroundings } from './surroundings.js'
import { Worker } from './worker.js'

const SERVERS = 4
/** How many sessions a server begins before it is told to begin more. */
const LOT = 2500

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000000' },
    connections: { type: 'string', default: '1000' },
    'per-second': { type: 'string', default: '1000' },
    slots: { type: 'string', default: '1000' },
    calm: { type: 'string', default: '15' },
    'full-coverage': { type: 'boolean', default: false },
    'min-replicas': { type: 'boolean', default: false },
    lagging: { type: 'boolean', default: false },
    /** The folder for the results. */
    to: { type: 'string' },
  },
})
const given = {
  sessions: Number(values.sessions),
  connections: Number(values.connections),
  servers: SERVERS,
  perSecond: Number(values['per-second']),
  slots: Number(values.slots),
  /** Seconds without an event: at the start, between two events and at the end. */
  calm: Number(values.calm),
  /** Redis's default: while a master is missing, the others refuse every call. */
  fullCoverage: values['full-coverage'],
  /** A master refuses changes while it has no replica that follows it. */
  minReplicas: values['min-replicas'],
  /** The replica gets nothing in the last second before it takes over. */
  lagging: values.lagging,
}
for (const [name, value] of Object.entries(given)) {
  if (typeof value === 'number' && !(value > 0)) throw new Error(`--${name} takes a number above 0.`)
}

const cluster = await startCluster()
await configure(cluster.nodes, {
  'cluster-require-full-coverage': given.fullCoverage ? 'yes' : 'no',
  'min-replicas-to-write': given.minReplicas ? '1' : '0',
  'min-replicas-max-lag': '1',
})
const servers = Array.from(
  { length: SERVERS },
  () => new Worker('scale/server.js', [JSON.stringify(cluster.addresses)]),
)
const clients = new Worker('scale/clients.js', [], ['--max-old-space-size=4096'])
await clients.hears()
const ports = await Promise.all(servers.map((server) => server.hears()))
await clients.tell('connect', { ports, connections: given.connections })

const began = await clocked('begin', beginSessions)
const load = await clocked('load', disturb)
const checked = await clocked('check', () => clients.tell('check'))
const causes = await Promise.all(servers.map((server) => server.tell('causes')))
await Promise.all([...servers, clients].map((worker) => worker.stop()))
await cluster.stop()

const results = { ...surroundings(['@sess/core', 'ioredis'], ['redis-server']), given, began, ...load, causes, checked }
const isWhole = process.argv.length === 2
const folder =
  values.to === undefined
    ? new URL(isWhole ? 'results/' : 'results/partial/', import.meta.url)
    : pathToFileURL(`${values.to}/`)
mkdirSync(folder, { recursive: true })
// Each event and each second is on a line of its own.
const json = JSON.stringify(results, null, 1).replace(/\{[^{}]*\}/g, (object) => object.replace(/\s+/g, ' '))
writeFileSync(new URL('scale.json', folder), `${json}\n`)
writeFileSync(new URL('scale.svg', folder), plot(results))
writeFileSync(new URL('scale.md', folder), `${report(results)}\n`)
console.log(report(results))
if (isBusy(results)) console.error('The machine was too busy for this load: the latency is that of the machine.')
if (checked.broken > 0) {
  console.error(`${checked.broken} acknowledged changes are lost, or were made without being asked for.`)
  process.exitCode = 1
}

/** @template {object} T @param {string} what @param {() => Promise<T>} work @returns {Promise<T & { took: number }>} with its seconds */
async function clocked(what, work) {
  const start = performance.now()
  const result = await work()
  const took = (performance.now() - start) / 1000
  console.error(`${what}: ${took.toFixed(0)} s`)
  return { ...result, took }
}

/** All servers begin sessions, until there are enough, and the clients get their cookies. */
async function beginSessions() {
  const masters = await cluster.masters()
  const before = await memoryOf(masters)
  let left = given.sessions
  /** @type {(readonly string[])[]} */
  const lots = []
  await Promise.all(
    servers.map(async (server) => {
      while (left > 0) {
        const amount = Math.min(LOT, left)
        left -= amount
        lots.push(await server.tell('begin', { amount }))
      }
    }),
  )
  for (const cookies of lots) await clients.tell('take', { cookies })
  return { bytesPerSession: Math.round(((await memoryOf(masters)) - before) / given.sessions) }
}

/** What happens to the Cluster while the clients use it. */
async function disturb() {
  const { epoch } = await clients.tell('start', { perSecond: given.perSecond })
  /** @type {{ name: string, from: number, to: number, keys?: number }[]} */
  const events = []
  const since = () => (Date.now() - epoch) / 1000
  /** @param {string} name @param {() => Promise<object | void>} happens */
  const event = async (name, happens) => {
    await sleep(given.calm * 1000)
    const from = since()
    const more = await happens()
    events.push({ name, from, to: since(), ...more })
  }
  const [donor, victim] = await cluster.masters()
  const replica = await cluster.replicaOf(victim)

  await event('move', async () => {
    const before = await keysOf([donor])
    await moveSlots(donor, victim, given.slots)
    return { keys: before - (await keysOf([donor])) }
  })
  if (given.lagging) {
    await event('cut', async () => {
      await cutOff(victim, replica)
      await sleep(1000)
    })
  }
  await event('kill', async () => {
    await victim.kill()
    await takesOver(replica)
  })
  await event('return', async () => {
    await victim.restart()
    await isInStep(victim)
  })
  await sleep(given.calm * 1000)
  return { events, seconds: await clients.tell('stop') }
}
