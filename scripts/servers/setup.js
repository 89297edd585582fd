// vitest's globalSetup of `npm test`: installs the programs that are missing before any test waits for one.
import { installProgram } from './binaries.js'

/**
 * @param {import('./binaries.js').Program} program
 * @param {string | undefined} given replaces it
 */
async function need(program, given) {
  try {
    await installProgram(program)
  } catch (error) {
    // Tests that need the program even so fail, and say why.
    if (!given) throw error
  }
}

export async function setup() {
  await need('redis-server', process.env['SESS_REDIS_URL'])
  await need('memcached', process.env['SESS_MEMCACHED_SERVERS'])
  await need('postgres', process.env['SESS_POSTGRES_URL'])
  await need('mariadbd', process.env['SESS_MYSQL_URL'])
  await need('nginx', process.env['SESS_NGINX'])
  await need('haproxy', process.env['SESS_HAPROXY'])
  await need('caddy', process.env['SESS_CADDY'])
  await need('prometheus', process.env['SESS_PROMETHEUS'])
  await need('chromium', process.env['SESS_CHROMIUM'])
}
