import { ask, startServer } from './server.js'

/** @typedef {import('./server.js').Server & { address: string }} Memcached */

/**
 * A memcached on 127.0.0.1; `args` override the default arguments.
 *
 * @param {{ port?: number, args?: readonly string[] }} [options]
 * @returns {Promise<Memcached>}
 */
export async function startMemcached({ port: wanted, args = [] } = {}) {
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : [] // Without this it refuses to run as root.
  const server = await startServer({
    program: 'memcached',
    port: wanted,
    args: (port) => [...user, '-l', '127.0.0.1', '-p', String(port), '-m', '64', ...args],
    answers: async (port, pid) => (await ask(port, 'stats')).includes(`STAT pid ${pid}\r\n`),
    // It has nothing to save, and notices SIGTERM only at the next tick of its clock, up to a second later.
    stopSignal: 'SIGKILL',
  })
  return Object.assign(server, { address: `127.0.0.1:${server.port}` })
}
