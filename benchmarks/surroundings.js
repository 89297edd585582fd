import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os'

const require = createRequire(import.meta.url)

/** The packages whose versions the results depend on. */
const PACKAGES =
  `@sess/core better-sqlite3 ioredis memcached redis express fastify koa hono express-session connect-redis
  connect-memcached better-sqlite3-session-store @fastify/session @fastify/secure-session koa-session hono-sessions
  iron-session`.split(/\s+/)

/** How results call the programs: a package is called memcached too. */
const SERVER_NAMES = { 'redis-server': 'redis-server', memcached: 'memcached-server' }

/** @param {string} name */
function versionOf(name) {
  const files = (require.resolve.paths(name) ?? []).map((folder) => `${folder}/${name}/package.json`)
  for (const path of files) {
    try {
      return JSON.parse(readFileSync(path, 'utf8')).version
    } catch {
      // Not here: try the folder further up.
    }
  }
  throw new Error(`${name} is not installed.`)
}

/** @param {string} program */
const programVersion = (program) =>
  /\d+(?:\.\d+)+/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[0]

/**
 * When the results were measured, on what machine, and with which versions.
 *
 * @param {readonly string[]} [packages]
 * @param {readonly string[]} [programs]
 */
export function surroundings(packages = PACKAGES, programs = ['redis-server', 'memcached']) {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      system: `${platform()} ${release().split('.').slice(0, 2).join('.')}`,
      processors: availableParallelism(),
      model: cpus()[0]?.model,
      gibibytes: Math.round(totalmem() / 2 ** 30),
    },
    versions: {
      node: process.versions.node,
      ...Object.fromEntries(programs.map((name) => [SERVER_NAMES[name], programVersion(name)])),
      ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
    },
  }
}
