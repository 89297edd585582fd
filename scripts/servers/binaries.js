// The programs of the servers: found on the PATH, and installed only by the set-up of `npm test`.
import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** @typedef {'redis-server' | 'memcached' | 'postgres' | 'mariadbd' | 'nginx' | 'haproxy' | 'caddy' | 'prometheus' | 'chromium'} Program */

/**
 * @typedef {object} Source where a program comes from
 * @property {Readonly<Record<string, string>>} packages what to install, by the tool that installs it
 * @property {string} link
 * @property {string} instead
 * @property {string} [path] where to look if it is not on the PATH: folders, separated as there
 * @property {string} [folders] where to look if it is not on the PATH: a folder with a folder for each version
 */

/** @type {Readonly<Record<Program, Source>>} */
const SOURCES = {
  'redis-server': {
    packages: { 'apt-get': 'redis-server', dnf: 'valkey-compat-redis', apk: 'redis', brew: 'redis' },
    link: 'https://redis.io/docs/latest/operate/oss_and_stack/install/',
    instead: 'set SESS_REDIS_URL to one that runs, such as redis://127.0.0.1:6379',
  },
  memcached: {
    packages: { 'apt-get': 'memcached', dnf: 'memcached', apk: 'memcached', brew: 'memcached' },
    link: 'https://memcached.org/downloads',
    instead: 'set SESS_MEMCACHED_SERVERS to those that run, such as 127.0.0.1:11211',
  },
  postgres: {
    packages: { 'apt-get': 'postgresql', dnf: 'postgresql-server', apk: 'postgresql', brew: 'postgresql' },
    link: 'https://www.postgresql.org/download/',
    instead: 'set SESS_POSTGRES_URL to one that runs, such as postgres://user@127.0.0.1:5432/test',
    folders: '/usr/lib/postgresql',
  },
  mariadbd: {
    packages: { 'apt-get': 'mariadb-server', dnf: 'mariadb-server', apk: 'mariadb', brew: 'mariadb' },
    link: 'https://mariadb.org/download/',
    instead: 'set SESS_MYSQL_URL to one that runs, such as mysql://user@127.0.0.1:3306/test',
    // Debian has it on the PATH of root alone, Fedora on no PATH.
    path: '/usr/sbin:/usr/libexec',
  },
  nginx: {
    packages: { 'apt-get': 'nginx-light', dnf: 'nginx', apk: 'nginx', brew: 'nginx' },
    link: 'https://nginx.org/en/docs/install.html',
    instead: 'set SESS_NGINX to the file of an nginx',
    // Debian has it on the PATH of root alone.
    path: '/usr/sbin',
  },
  haproxy: {
    packages: { 'apt-get': 'haproxy', dnf: 'haproxy', apk: 'haproxy', brew: 'haproxy' },
    link: 'https://www.haproxy.org/#down',
    instead: 'set SESS_HAPROXY to the file of an haproxy',
    // As nginx.
    path: '/usr/sbin',
  },
  caddy: {
    packages: { 'apt-get': 'caddy', dnf: 'caddy', apk: 'caddy', brew: 'caddy' },
    link: 'https://caddyserver.com/docs/install',
    instead: 'set SESS_CADDY to the file of a caddy',
  },
  prometheus: {
    packages: { 'apt-get': 'prometheus', dnf: 'golang-github-prometheus', apk: 'prometheus', brew: 'prometheus' },
    link: 'https://prometheus.io/docs/prometheus/latest/installation/',
    instead: 'set SESS_PROMETHEUS to the file of a prometheus',
  },
  chromium: {
    packages: { 'apt-get': 'chromium', dnf: 'chromium', apk: 'chromium', brew: '--cask chromium' },
    link: 'https://www.chromium.org/getting-involved/download-chromium/',
    instead: 'set SESS_CHROMIUM to the file of a Chromium or Chrome',
  },
}

/** The command of each tool. */
const COMMANDS = {
  'apt-get': 'sudo apt-get update && sudo apt-get install',
  dnf: 'sudo dnf install',
  apk: 'sudo apk add',
  brew: 'brew install',
}

// Debian starts the servers that it installs, on the usual ports. RUNLEVEL keeps sysvinit from it, SYSTEMD_OFFLINE systemd.
const APT = `export DEBIAN_FRONTEND=noninteractive LC_ALL=C RUNLEVEL=1 SYSTEMD_OFFLINE=1
apt-get update &&
exec apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"`

const LOCK_MS = 120_000

/**
 * @param {string} name
 * @param {readonly string[]} folders
 */
function lookIn(name, folders) {
  const files = folders.map((folder) => join(folder, name))
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/**
 * @param {string} name
 * @param {string} path
 */
const lookUp = (name, path) => lookIn(name, path.split(delimiter))

/**
 * @param {Program} program
 * @param {string} path
 */
function present(program, path) {
  const { path: further, folders } = SOURCES[program]
  const versions = folders !== undefined && existsSync(folders) ? readdirSync(folders).map(Number) : []
  const newestFirst = versions.toSorted((one, other) => other - one)
  return (
    lookUp(program, path) ??
    (further === undefined ? undefined : lookUp(program, further)) ??
    lookIn(
      program,
      newestFirst.map((version) => join(folders ?? '', `${version}`, 'bin')),
    )
  )
}

/**
 * @param {string} path
 * @param {string[]} command
 * @returns {Promise<{ done: boolean, output: string }>}
 */
function run(path, [file = '', ...args]) {
  const env = { ...process.env, PATH: path }
  return new Promise((resolve) => {
    execFile(file, args, { env }, (error, stdout, stderr) =>
      resolve({ done: error === null, output: `${stdout}${stderr}` }),
    )
  })
}

/**
 * @param {Program} program
 * @param {string} path
 * @returns {Promise<string>} what apt-get reported if it failed; '' if it succeeded, or is not to be had here
 */
async function install(program, path) {
  const name = SOURCES[program].packages['apt-get']
  if (name === undefined || lookUp('apt-get', path) === undefined) return ''
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  if (sudo.length > 0 && !(await run(path, [...sudo, 'true'])).done) return ''
  console.error(`Installing ${name} with apt-get: tests start it.`)
  for (const end = performance.now() + LOCK_MS; ;) {
    const { done, output } = await run(path, [...sudo, 'sh', '-c', APT, 'sh', name])
    if (done) return ''
    // Unlike install, apt-get update does not wait for another apt.
    if (!output.includes('Could not get lock') || performance.now() > end) return `apt-get failed:\n${output}`
    await sleep(1000)
  }
}

/**
 * @param {Program} program
 * @param {string} [path]
 * @returns {Promise<string>} its file
 * @throws an Error that says how to install it, if it is missing
 */
export async function findProgram(program, path = process.env['PATH'] ?? '') {
  const found = present(program, path)
  if (found === undefined) throw missing(program, path)
  if (process.env['SESS_UNIT'] === undefined) return found
  throw new Error(`This test starts ${program}, but unit tests need Node alone: name its file in vitest.config.ts.`)
}

/**
 * As `findProgram`, but installs a missing program where apt-get can do that without a password.
 *
 * @param {Program} program
 * @param {string} [path]
 * @returns {Promise<string>} its file
 */
export async function installProgram(program, path = process.env['PATH'] ?? '') {
  const found = present(program, path)
  if (found !== undefined) return found
  const failure = await install(program, path)
  const installed = present(program, path)
  if (installed !== undefined) return installed
  throw missing(program, path, failure)
}

/**
 * @param {Program} program
 * @param {string} path
 * @param {string} [failure]
 */
function missing(program, path, failure = '') {
  const { packages, link, instead } = SOURCES[program]
  const [tool, command] = Object.entries(COMMANDS).find(([name]) => lookUp(name, path) !== undefined) ?? []
  const how = tool === undefined ? `see ${link}` : `${command} ${packages[tool]}`
  return new Error(
    [
      ...(failure === '' ? [] : [failure]),
      `Tests start ${program}, and it is not on the PATH. Install it: ${how}`,
      ...(tool === 'apt-get' ? ['Or run `npm test` without arguments, which installs what is missing.'] : []),
      `Or ${instead}; but the tests that stop a server need ${program} all the same.`,
    ].join('\n'),
  )
}
