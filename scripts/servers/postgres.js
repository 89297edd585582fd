import { execFile } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findProgram } from './binaries.js'
import { childrenOf, startServer } from './server.js'

/** @typedef {import('./server.js').Server & { address: string, url: string }} Postgres */

const host = '127.0.0.1'

/** PostgreSQL refuses to run as root, so root runs it as `nobody`, a user that every system has. */
const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

const CLUSTER = [
  '--username=postgres',
  '--auth=trust',
  '--encoding=UTF8',
  '--locale=C',
  '--no-sync',
  '--no-instructions',
]

// The data need not survive a crash of the machine, and several servers share its memory.
const SETTINGS = ['fsync=off', 'shared_buffers=16MB', `listen_addresses=${host}`, 'unix_socket_directories=']

/**
 * Another program of the same PostgreSQL. It is in the server's folder; the PATH may have a link to the server alone.
 *
 * @param {'initdb' | 'psql'} name
 * @returns {Promise<string>} its file
 */
export async function findBeside(name) {
  return join(dirname(realpathSync(await findProgram('postgres'))), name)
}

/** @param {string} folder */
async function makeCluster(folder) {
  const data = join(folder, 'data')
  mkdirSync(data)
  if (user.uid !== undefined) for (const path of [folder, data]) chownSync(path, user.uid, user.gid)
  await promisify(execFile)(await findBeside('initdb'), [...CLUSTER, data], { ...user, cwd: folder })
}

/**
 * Whether the server with that process id accepts connections. It notes that in a file in its folder.
 *
 * @param {string} folder
 * @param {number} pid
 */
function isReady(folder, pid) {
  try {
    const lines = readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')
    return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
  } catch {
    return false
  }
}

/**
 * A PostgreSQL on 127.0.0.1. The user `postgres` needs no password. Its data survives a restart, and is removed by
 * `stop`. `args` override the default arguments.
 *
 * @param {{ port?: number, args?: readonly string[] }} [options]
 * @returns {Promise<Postgres>}
 */
export async function startPostgres({ port: wanted, args = [] } = {}) {
  const settings = SETTINGS.flatMap((setting) => ['-c', setting])
  const server = await startServer({
    program: 'postgres',
    port: wanted,
    args: (port, folder) => ['-D', join(folder, 'data'), '-p', String(port), ...settings, ...args],
    answers: (_, pid, folder) => isReady(folder, pid),
    prepare: makeCluster,
    user,
    // After SIGTERM it would wait until every client has left.
    stopSignal: 'SIGINT',
  })
  const { freeze } = server
  const address = `${host}:${server.port}`
  return Object.assign(server, {
    address,
    url: `postgres://postgres@${address}/postgres`,
    async freeze() {
      if (childrenOf(server.pid) === undefined)
        throw new Error('PostgreSQL is frozen on Linux alone: other systems do not tell which processes are its.')
      await freeze()
    },
  })
}
