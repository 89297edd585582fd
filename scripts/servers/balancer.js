import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, childrenOf, startServer, until } from './server.js'

/**
 * @typedef {import('./server.js').Server & { origin: string, route: (ports: readonly number[]) => Promise<void> }} Balancer
 *   once `route` has resolved, requests go to the servers on these ports, and to no other. Those that came before are
 *   finished by the server that has them.
 */

const host = '127.0.0.1'

/**
 * @param {number} port
 * @param {string} path
 */
const get = (port, path) => ask(port, `GET ${path} HTTP/1.0`, '')

/**
 * Whether a worker of nginx has ceased to accept connections. Where the system does not list processes, this is not known.
 *
 * @param {number} pid
 */
function isRetired(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('is shutting down')
  } catch {
    return true
  }
}

/**
 * An nginx on 127.0.0.1 in front of several servers, to which it keeps connections alive. It repeats no request: what one
 * server fails is a 502. Each client connection is for one request, since nginx closes idle ones when it reads its settings
 * again.
 *
 * @param {readonly number[]} ports of the servers
 * @returns {Promise<Balancer>}
 */
export async function startBalancer(ports) {
  let folder = ''
  let generation = 0

  /**
   * @param {number} port
   * @param {readonly number[]} to
   */
  function write(port, to) {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${join(folder, name)};`,
    )
    const settings = `
      daemon off;
      ${process.getuid?.() === 0 ? 'user root;' : ''}
      worker_processes 1;
      pid ${join(folder, 'pid')};
      events {}
      http {
        access_log off;
        keepalive_timeout 0;
        ${temporary.join('\n')}
        upstream servers {
          ${to.map((each) => `server ${host}:${each} max_fails=0;`).join('\n')}
          keepalive 16;
        }
        server {
          listen ${host}:${port};
          location = /generation { return 200 "${mark()} $pid"; }
          location / {
            proxy_pass http://servers;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-Proto https;
            proxy_next_upstream off;
          }
        }
      }`
    writeFileSync(join(folder, 'next.conf'), settings)
    renameSync(join(folder, 'next.conf'), join(folder, 'nginx.conf'))
  }

  /** Names the settings: if the port was taken, another nginx would answer. */
  const mark = () => `generation ${generation} of ${process.pid} by`

  /** The id of the worker that has the newest settings and answers. @param {number} port */
  const workerOf = async (port) => Number((await get(port, '/generation')).split(mark())[1])

  const server = await startServer({
    program: 'nginx',
    file: process.env['SESS_NGINX'],
    args: (port, at) => {
      folder = at
      write(port, ports)
      return ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr']
    },
    answers: async (port) => (await workerOf(port)) > 0,
  })
  return Object.assign(server, {
    origin: `http://${host}:${server.port}`,
    /** @param {readonly number[]} to */
    async route(to) {
      generation++
      write(server.port, to)
      process.kill(server.pid, 'SIGHUP')
      await until('nginx uses its new settings', async () => {
        const worker = await workerOf(server.port)
        return worker > 0 && (childrenOf(server.pid) ?? []).every((pid) => pid === worker || isRetired(pid))
      })
    },
  })
}
