import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startServer } from './server.js'

/** @typedef {import('./server.js').Server & { address: string, url: string }} Mariadb */

const host = '127.0.0.1'

/** Without this it refuses to run as root. */
const user = process.getuid?.() === 0 ? ['--user=root'] : []

// The data survives when the process is killed, but need not survive a crash of the machine. Several servers share its
// memory.
const SETTINGS = [
  '--innodb-flush-log-at-trx-commit=2',
  '--innodb-buffer-pool-size=16M',
  '--innodb-log-file-size=16M',
  '--skip-name-resolve',
  '--skip-networking=0',
  `--bind-address=${host}`,
]

/** @param {string} folder */
const placesIn = (folder) => [
  `--datadir=${join(folder, 'data')}`,
  `--socket=${join(folder, 'socket')}`,
  `--pid-file=${join(folder, 'pid')}`,
]

/** @param {string} folder */
async function makeData(folder) {
  const args = [
    '--no-defaults',
    ...user,
    `--datadir=${join(folder, 'data')}`,
    '--auth-root-authentication-method=normal',
  ]
  await promisify(execFile)('mariadb-install-db', args, { cwd: folder })
}

/**
 * Whether the server in the folder accepts connections. It says so in its log, which is new at each start.
 *
 * @param {string} folder
 */
const isReady = (folder) => readFileSync(join(folder, 'log'), 'utf8').includes('ready for connections')

/**
 * A MariaDB on 127.0.0.1. The user `root` needs no password. Its data survives a restart, and is removed by `stop`. `args`
 * override the default arguments.
 *
 * @param {{ port?: number, args?: readonly string[] }} [options]
 * @returns {Promise<Mariadb>}
 */
export async function startMariadb({ port: wanted, args = [] } = {}) {
  const server = await startServer({
    program: 'mariadbd',
    port: wanted,
    args: (port, folder) => ['--no-defaults', ...user, ...placesIn(folder), `--port=${port}`, ...SETTINGS, ...args],
    answers: (_port, _pid, folder) => isReady(folder),
    prepare: makeData,
    // An orderly end writes what nobody reads again.
    stopSignal: 'SIGKILL',
  })
  const address = `${host}:${server.port}`
  return Object.assign(server, { address, url: `mysql://root@${address}/test` })
}
