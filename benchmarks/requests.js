// What a request costs, as ratios of processor time and of wall time. Contestants take turns in short batches, in
// another order each round, and each batch is compared with its rival's of the same round: a machine that grows slower
// meanwhile grows slower for both.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { quantile } from 'simple-statistics'
import { Connection } from './client.js'
import { contestants } from './contestants.js'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, requests: { type: 'string', default: '2000' } },
})
const [rounds, requests] = [Number(values.rounds), Number(values.requests)]
const WARM_UP_ROUNDS = 4
const CONNECTIONS = 10

/** What is compared with what, and how much it may cost at most. */
const PAIRS = [
  ['@sess, not opened', 'bare node:http', 1.03],
  ['@sess, read', 'by hand, read', 1.1],
  ['@sess, read', 'express-session, read'],
  ['@sess, write', 'express-session, write'],
]

/** @param {string} name */
async function start(name) {
  const child = fork(new URL('server.js', import.meta.url), [name])
  const [{ port }] = await once(child, 'message')
  const response = await fetch(`http://127.0.0.1:${port}/start`, { headers: { connection: 'close' } })
  await response.text()
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0]
  const headers = cookie === undefined ? [] : [`Cookie: ${cookie}`]
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(port, headers)))
  return { child, connections }
}

/**
 * @param {{ child: import('node:child_process').ChildProcess, connections: readonly Connection[] }} contestant
 * @returns {Promise<{ processor: number, wall: number }>} microseconds a request
 */
async function batch({ child, connections }) {
  let left = requests
  const before = await processorTime(child)
  const began = performance.now()
  await Promise.all(connections.map((connection) => connection.send(() => left-- > 0)))
  const wall = ((performance.now() - began) * 1000) / requests
  return { processor: ((await processorTime(child)) - before) / requests, wall }
}

/** @param {import('node:child_process').ChildProcess} child */
async function processorTime(child) {
  child.send('cpu')
  const [{ cpu }] = await once(child, 'message')
  return cpu.user + cpu.system
}

const running = new Map()
for (const name of Object.keys(contestants)) running.set(name, await start(name))

/** @type {Map<string, { processor: number, wall: number }[]>} */
const batches = new Map([...running.keys()].map((name) => [name, []]))
for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
  const order = [...running].map((entry) => ({ entry, at: Math.random() })).toSorted((one, other) => one.at - other.at)
  for (const { entry } of order) {
    const [name, contestant] = entry
    const result = await batch(contestant)
    if (round >= 0) batches.get(name)?.push(result)
  }
}
for (const { child, connections } of running.values()) {
  for (const connection of connections) connection.close()
  child.disconnect()
}

console.log(`${rounds} rounds of ${requests} requests each; medians of the ratios, with their quartiles\n`)
console.log(`${''.padEnd(48)}${'processor time'.padEnd(24)}wall time`)
for (const [one, other, most] of PAIRS) {
  const ratios = (/** @type {'processor' | 'wall'} */ what) => {
    const all = batches.get(one).map((result, round) => result[what] / batches.get(other)[round][what])
    const [low, median, high] = [0.25, 0.5, 0.75].map((part) => quantile(all, part).toFixed(2))
    return `${median} (${low}–${high})`
  }
  const target = most === undefined ? '' : `   at most ${most.toFixed(2)}`
  console.log(`${`${one} / ${other}`.padEnd(48)}${ratios('processor').padEnd(24)}${ratios('wall')}${target}`)
}
