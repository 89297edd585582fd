// Servers for tests that stop none: those that the environment names, or else servers that are started here.
import { startMariadb } from './mariadb.js'
import { startMemcached } from './memcached.js'
import { startPostgres } from './postgres.js'
import { startRedis } from './redis.js'

const leave = async () => undefined

/**
 * SESS_REDIS_URL, or a server that is started for the caller.
 *
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function someRedis() {
  const url = process.env['SESS_REDIS_URL']
  return url ? { url, stop: leave } : startRedis()
}

/**
 * SESS_MEMCACHED_SERVERS (`host:port`, separated by commas), or a server that is started for the caller.
 *
 * @returns {Promise<{ servers: string[], stop: () => Promise<void> }>}
 */
export async function someMemcached() {
  const servers = process.env['SESS_MEMCACHED_SERVERS']
  if (servers) return { servers: servers.split(',').map((server) => server.trim()), stop: leave }
  const { address, stop } = await startMemcached()
  return { servers: [address], stop }
}

/**
 * SESS_POSTGRES_URL, or a server that is started for the caller.
 *
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function somePostgres() {
  const url = process.env['SESS_POSTGRES_URL']
  return url ? { url, stop: leave } : startPostgres()
}

/**
 * SESS_MYSQL_URL, or a MariaDB that is started for the caller.
 *
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function someMysql() {
  const url = process.env['SESS_MYSQL_URL']
  return url ? { url, stop: leave } : startMariadb()
}
