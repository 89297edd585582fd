// What happens to the Cluster during the load, and what it says about itself.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ask, until } from '../../scripts/servers/server.js'

/** @typedef {import('../../scripts/servers/redis.js').Redis} Redis */

/** Milliseconds: a replica that comes back copies everything first. */
const PATIENCE = 120_000

/** @param {Redis} node */
const idOf = async ({ port }) => /[0-9a-f]{40}/.exec(await ask(port, 'CLUSTER MYID'))?.[0] ?? ''

/** @param {Redis} node @param {string} line of its section about replication */
const reports = async ({ port }, line) => (await ask(port, 'INFO replication')).includes(`${line}\r\n`)

/** Bytes that the data of these nodes takes. @param {readonly Redis[]} nodes */
export async function memoryOf(nodes) {
  const texts = await Promise.all(nodes.map(({ port }) => ask(port, 'INFO memory')))
  return texts.reduce((sum, text) => sum + Number(/used_memory:(\d+)/.exec(text)?.[1]), 0)
}

/** How many keys these nodes have. @param {readonly Redis[]} nodes */
export async function keysOf(nodes) {
  const texts = await Promise.all(nodes.map(({ port }) => ask(port, 'DBSIZE')))
  return texts.reduce((sum, text) => sum + Number(/:(\d+)/.exec(text)?.[1]), 0)
}

/** Moves slots, with their keys, as an operator does. @param {Redis} from @param {Redis} to @param {number} amount */
export async function moveSlots(from, to, amount) {
  const options = { from: await idOf(from), to: await idOf(to), slots: amount, pipeline: 10 }
  const words = Object.entries(options).flatMap(([name, value]) => [`--cluster-${name}`, String(value)])
  const command = ['--cluster', 'reshard', `127.0.0.1:${from.port}`, ...words, '--cluster-yes']
  await promisify(execFile)('redis-cli', command, { maxBuffer: 2 ** 28 })
}

/** @param {Redis} replica */
export const takesOver = (replica) => until('the replica takes over', () => reports(replica, 'role:master'), PATIENCE)

/** @param {Redis} node */
export const isInStep = (node) =>
  until('the node is a replica in step', () => reports(node, 'master_link_status:up'), PATIENCE)

/** From now on, the replica gets nothing of what its master does. @param {Redis} master @param {Redis} replica */
export async function cutOff(master, replica) {
  // The master has no password, so it refuses this one when the replica comes back.
  await ask(replica.port, 'CONFIG SET masterauth wrong')
  await ask(master.port, 'CLIENT KILL TYPE replica')
  await until('the replica is cut off', () => reports(replica, 'master_link_status:down'))
}

/** @param {readonly Redis[]} nodes @param {Readonly<Record<string, string>>} settings */
export async function configure(nodes, settings) {
  const commands = Object.entries(settings).map((setting) => `CONFIG SET ${setting.join(' ')}`)
  for (const { port } of nodes) {
    const answers = await ask(port, ...commands)
    if (answers.includes('-ERR')) throw new Error(`A node refused a setting: ${answers}`)
  }
}
