import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startServer } from './server.js'
import { writeSite } from './site.js'

// No port besides the site's. The settings of the site come after these, which have to be the first block.
const MAIN = `{
  admin off
  auto_https disable_redirects
  default_bind 127.0.0.1
  log {
    output stdout
  }
}
`

/**
 * @param {import('./site.js').Site} site with the site blocks of a Caddyfile
 * @returns {Promise<import('./site.js').Proxy>}
 */
export function startCaddy({ settings, ...site }) {
  const whole = { ...site, settings: (/** @type {import('./site.js').Place} */ place) => MAIN + settings(place) }
  return startServer({
    program: 'caddy',
    file: process.env['SESS_CADDY'],
    port: site.port,
    args: (port, folder) => ['run', '--adapter', 'caddyfile', '--config', writeSite(whole, port, folder)],
    env: (folder) => ({ HOME: folder, XDG_CONFIG_HOME: join(folder, 'config'), XDG_DATA_HOME: join(folder, 'data') }),
    answers: (_port, _pid, folder) =>
      readFileSync(join(folder, 'log'), 'utf8').includes('serving initial configuration'),
    // After SIGTERM it would wait until every client has left.
    stopSignal: 'SIGKILL',
  })
}
