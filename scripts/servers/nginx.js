import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startServer } from './server.js'
import { writeSite } from './site.js'

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** @param {string} folder */
const pidIn = (folder) => join(folder, 'pid')

/**
 * What the distributions have in nginx.conf, where they include the sites. All else is nginx's own default.
 *
 * @param {string} folder
 * @param {string} site
 */
const mainSettings = (folder, site) => `
  daemon off;
  master_process off;
  pid ${pidIn(folder)};
  events {}
  http {
    access_log off;
    ${TEMPORARY.map((name) => `${name}_temp_path ${join(folder, name)};`).join('\n')}
    include ${site};
  }`

/**
 * The settings of a site by https that has one location.
 *
 * @param {string} location its settings, such as `proxy_pass http://127.0.0.1:3000;`
 * @returns {(place: import('./site.js').Place) => string}
 */
export const oneLocation =
  (location) =>
  ({ port, certificate, privateKey }) => `
    server {
      listen 127.0.0.1:${port} ssl;
      ssl_certificate ${certificate};
      ssl_certificate_key ${privateKey};
      location / { ${location} }
    }`

/**
 * @param {import('./site.js').Site} site with settings that nginx accepts in `http`
 * @returns {Promise<import('./site.js').Proxy>}
 */
export function startNginx(site) {
  return startServer({
    program: 'nginx',
    file: process.env['SESS_NGINX'],
    port: site.port,
    args: (port, folder) => {
      const main = join(folder, 'nginx.conf')
      writeFileSync(main, mainSettings(folder, writeSite(site, port, folder)))
      return ['-p', folder, '-c', main, '-e', 'stderr']
    },
    // It writes the file after it has begun to listen.
    answers: (_, pid, folder) =>
      existsSync(pidIn(folder)) && readFileSync(pidIn(folder), 'utf8').trim() === String(pid),
  })
}
