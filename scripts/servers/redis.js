import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { ask, startServer, until } from './server.js'

/**
 * @typedef {import('./server.js').Server & { url: string }} Redis
 * @typedef {{ host: string, port: number }} Address
 */

const host = '127.0.0.1'

/** @param {readonly import('./server.js').Server[]} servers */
const stopAll = async (servers) => void (await Promise.all(servers.map((server) => server.stop())))

/** @param {{ readonly port: number }} server */
const addressOf = ({ port }) => ({ host, port })

/**
 * Whether the process with that id answers on the port, and has loaded its data.
 *
 * @param {readonly string[]} args
 * @returns {(port: number, pid: number) => Promise<boolean>}
 */
function answersGiven(args) {
  const at = args.lastIndexOf('--requirepass')
  const login = at === -1 ? [] : [`AUTH ${args[at + 1]}`]
  return async (port, pid) => {
    const answer = await ask(port, ...login, 'PING', 'INFO server')
    return answer.includes('+PONG\r\n') && answer.includes(`process_id:${pid}\r\n`)
  }
}

/**
 * A Redis on 127.0.0.1 that stores nothing on disk. `args` override the default arguments.
 *
 * @param {{ port?: number, args?: readonly string[] }} [options]
 * @returns {Promise<Redis>}
 */
export async function startRedis({ port: wanted, args = [] } = {}) {
  const settings = ['--bind', host, '--save', '', '--appendonly', 'no', '--repl-diskless-sync-delay', '0', ...args]
  const server = await startServer({
    program: 'redis-server',
    port: wanted,
    args: (port, folder) => ['--port', String(port), '--dir', folder, ...settings],
    answers: answersGiven(args),
  })
  return Object.assign(server, { url: `redis://${host}:${server.port}` })
}

/**
 * One master with one replica, watched by three sentinels. Two of them are a quorum.
 *
 * @returns {Promise<{ sentinels: Address[], name: string, master: () => Redis, replica: () => Redis,
 *   stop: () => Promise<void> }>} `master` and `replica` are the servers of that role at the start; a failover does not change what they return
 */
export async function startSentinels() {
  const name = 'sess'
  const master = await startRedis()
  const replica = await startRedis({ args: ['--replicaof', host, String(master.port)] })
  const settings = [
    `bind ${host}`,
    `sentinel monitor ${name} ${host} ${master.port} 2`,
    `sentinel down-after-milliseconds ${name} 1000`,
    `sentinel failover-timeout ${name} 2000`,
  ]
  const start = () =>
    startServer({
      program: 'redis-server',
      args: (port, folder) => {
        const file = path.join(folder, 'sentinel.conf')
        writeFileSync(file, [`port ${port}`, `dir ${folder}`, ...settings, ''].join('\n'))
        return [file, '--sentinel']
      },
      answers: answersGiven([]),
    })
  const sentinels = await Promise.all([start(), start(), start()])
  await until('the replica is in step, and each sentinel knows it and the others', async () => {
    const known = await Promise.all(sentinels.map(({ port }) => ask(port, 'INFO sentinel')))
    const ready = known.every((text) => text.includes('status=ok') && text.includes('slaves=1,sentinels=3'))
    return ready && (await ask(replica.port, 'INFO replication')).includes('master_link_status:up\r\n')
  })
  return {
    sentinels: sentinels.map(addressOf),
    name,
    master: () => master,
    replica: () => replica,
    stop: () => stopAll([...sentinels, replica, master]),
  }
}

const SLOTS = 16_384
const MASTERS = 3

/** @param {number} index of a master */
const slotsOf = (index) =>
  Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => Math.floor((slot * MASTERS) / SLOTS) === index)

/**
 * @param {Redis} node
 * @param {...string} subcommands
 */
async function order({ port }, ...subcommands) {
  const answer = await ask(port, ...subcommands.map((subcommand) => `CLUSTER ${subcommand}`))
  if (!answer.startsWith('+OK\r\n') || answer.includes('-ERR')) throw new Error(`A node refused: ${answer}`)
}

/** @param {readonly Redis[]} nodes the masters, then a replica of each in the same order */
async function join(nodes) {
  /** @param {...string} lines */
  const answers = (...lines) => Promise.all(nodes.map(({ port }) => ask(port, ...lines)))
  const ids = (await answers('CLUSTER MYID')).map((answer) => answer.split('\r\n')[1])

  for (const [index, node] of nodes.entries()) {
    const slots = index < MASTERS ? [`ADDSLOTS ${slotsOf(index).join(' ')}`] : []
    const meetings = nodes.slice(0, index).map(({ port }) => `MEET ${host} ${port}`)
    await order(node, `SET-CONFIG-EPOCH ${index + 1}`, ...slots, ...meetings)
  }
  await until('every node of the cluster knows every other', async () =>
    (await answers('CLUSTER NODES')).every((text) => ids.every((id) => id !== undefined && text.includes(id))),
  )
  for (const [index, node] of nodes.slice(MASTERS).entries()) await order(node, `REPLICATE ${ids[index]}`)
  await until('the cluster is whole', async () =>
    (await answers('CLUSTER INFO', 'CLUSTER NODES', 'INFO replication')).every(
      (text) =>
        text.includes('cluster_state:ok\r\n') &&
        text.match(/slave [0-9a-f]{40} /g)?.length === nodes.length - MASTERS &&
        /connected_slaves:1\r\n|master_link_status:up\r\n/.test(text),
    ),
  )
}

/**
 * Three masters, each with a replica. A replica replaces its master within about 4 s.
 *
 * @returns {Promise<{ nodes: Redis[], addresses: Address[], masters: () => Promise<Redis[]>,
 *   replicaOf: (master: Redis) => Promise<Redis | undefined>, stop: () => Promise<void> }>}
 *   `masters` finds the nodes that report that role now
 */
export async function startCluster() {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const nodes = await Promise.all(Array.from({ length: 2 * MASTERS }, () => startRedis({ args })))
  await join(nodes)
  /** @param {string} line */
  const reporting = async (line) => {
    const answers = await Promise.all(nodes.map(({ port }) => ask(port, 'INFO replication')))
    return nodes.filter((_, index) => answers[index]?.includes(`${line}\r\n`))
  }
  return {
    nodes,
    addresses: nodes.map(addressOf),
    masters: () => reporting('role:master'),
    replicaOf: async ({ port }) => (await reporting(`master_port:${port}`))[0],
    stop: () => stopAll(nodes),
  }
}
