import { writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { startServer } from './server.js'

/** @typedef {import('./server.js').Server & { origin: string }} Nginx */

const host = '127.0.0.1'

/**
 * @param {number} port
 * @returns {Promise<string>} the id of the process that answers there, or '' if none does
 */
function askPid(port) {
  return new Promise((resolve) => {
    const asked = request(
      { host, port, path: '/pid-of-nginx', rejectUnauthorized: false, agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (/** @type {string} */ part) => (text += part))
        response.on('close', () => resolve(text))
      },
    )
    asked.on('error', () => resolve(''))
    asked.end()
  })
}

/**
 * An nginx on 127.0.0.1 that speaks https. All settings that `location` does not have are nginx's own defaults.
 *
 * @param {object} options
 * @param {string} options.location the settings of its only location, such as `proxy_pass http://127.0.0.1:3000;`
 * @param {string} options.certificate in PEM
 * @param {string} options.privateKey in PEM
 * @param {number} [options.port]
 * @returns {Promise<Nginx>}
 */
export async function startNginx({ location, certificate, privateKey, port: wanted }) {
  const server = await startServer({
    program: 'nginx',
    file: process.env['SESS_NGINX'],
    port: wanted,
    args: (port, folder) => {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${join(folder, name)};`,
      )
      writeFileSync(join(folder, 'certificate.pem'), certificate)
      writeFileSync(join(folder, 'key.pem'), privateKey)
      const settings = `
        daemon off;
        master_process off;
        pid ${join(folder, 'pid')};
        events {}
        http {
          access_log off;
          ${temporary.join('\n')}
          server {
            listen ${host}:${port} ssl;
            ssl_certificate ${join(folder, 'certificate.pem')};
            ssl_certificate_key ${join(folder, 'key.pem')};
            location = /pid-of-nginx { return 200 $pid; }
            location / { ${location} }
          }
        }`
      writeFileSync(join(folder, 'nginx.conf'), settings)
      return ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr']
    },
    answers: async (port, pid) => (await askPid(port)) === String(pid),
  })
  return Object.assign(server, { origin: `https://${host}:${server.port}` })
}
