// The real server or the file that the contestants of one store share. Counts the commands that the server received.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { startMemcached } from '../scripts/servers/memcached.js'
import { startRedis } from '../scripts/servers/redis.js'
import { ask } from '../scripts/servers/server.js'

/**
 * Where a contestant stores its sessions. Each contestant uses its own prefix or file.
 *
 * @typedef {object} Place
 * @property {string} url of Redis
 * @property {string} address of memcached
 * @property {(name: string) => string} file for SQLite
 *
 * @typedef {object} Backend
 * @property {string} where names the place for another process, which resolves it by `placeIn`
 * @property {() => Promise<void>} clear
 * @property {(() => Promise<number>) | undefined} count of the commands so far, a script being one. Undefined for a
 *   store inside the contestant's process, which counts its own
 * @property {() => Promise<void>} stop
 */

/** @param {string} where @returns {Place} */
export function placeIn(where) {
  return { url: where, address: where, file: (name) => join(where, `${name}.sqlite`) }
}

const nothing = async () => undefined

/** @type {Record<string, () => Promise<Backend>>} */
const BACKENDS = {
  async redis() {
    const server = await startRedis()
    const client = new Redis(server.url)
    const clear = async () => void (await client.flushall())
    /** @type {Redis | undefined} */
    let monitor
    let commands = 0
    /** @type {(() => void) | undefined} */
    let onMark
    async function count() {
      if (monitor === undefined) {
        monitor = await client.monitor()
        // A script's own calls are marked `lua`; they belong to the one command that sent the script.
        monitor.on('monitor', (_time, [command], source) => {
          if (command === 'echo') onMark?.()
          else if (source !== 'lua') commands++
        })
      }
      const seen = new Promise((resolve) => (onMark = () => resolve(undefined)))
      await client.echo('all before this')
      await seen
      return commands
    }
    async function stop() {
      monitor?.disconnect()
      client.disconnect()
      await server.stop()
    }
    return { where: server.url, clear, count, stop }
  },

  async memcache() {
    const server = await startMemcached({ args: ['-m', '1024'] })
    const COMMANDS = /STAT (?:cmd_get|cmd_set|cmd_touch|delete_hits|delete_misses) (\d+)/g
    return {
      where: server.address,
      clear: async () => void (await ask(server.port, 'flush_all')),
      async count() {
        const stats = await ask(server.port, 'stats')
        return [...stats.matchAll(COMMANDS)]
          .map(([, amount]) => Number(amount))
          .reduce((sum, amount) => sum + amount, 0)
      },
      stop: server.stop,
    }
  },

  async sqlite() {
    const folder = mkdtempSync(join(tmpdir(), 'sess-benchmark-'))
    return { where: folder, clear: nothing, count: undefined, stop: async () => rmSync(folder, { recursive: true }) }
  },
}

/** @param {string} store @returns {Promise<Backend>} */
export async function startBackend(store) {
  const start = BACKENDS[store]
  return start === undefined ? { where: '', clear: nothing, count: undefined, stop: nothing } : start()
}
