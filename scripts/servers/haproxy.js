import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, startServer } from './server.js'
import { writeSite } from './site.js'

/** @param {string} folder */
const socketIn = (folder) => join(folder, 'socket')

/**
 * Without `noreuseport`, two of them may have one port, and each gets some of its connections.
 *
 * @param {string} folder
 */
const mainSettings = (folder) => `
global
  stats socket ${socketIn(folder)}
  noreuseport
`

/**
 * @param {import('./site.js').Site} site with a whole configuration
 * @returns {Promise<import('./site.js').Proxy>}
 */
export function startHaproxy(site) {
  return startServer({
    program: 'haproxy',
    file: process.env['SESS_HAPROXY'],
    port: site.port,
    args: (port, folder) => {
      const main = join(folder, 'haproxy.cfg')
      writeFileSync(main, mainSettings(folder))
      return ['-db', '-f', main, '-f', writeSite(site, port, folder)]
    },
    // It answers once it listens on all of its addresses.
    answers: async (_, pid, folder) => (await ask(socketIn(folder), 'show info')).includes(`Pid: ${pid}\n`),
    // After SIGTERM it would wait until every client has left.
    stopSignal: 'SIGKILL',
  })
}
