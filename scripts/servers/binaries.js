// The programs of the servers: on the PATH, or else installed, where that can be done without asking anyone.
import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** @typedef {'redis-server' | 'memcached' | 'postgres' | 'chromium'} Program */

/**
 * @typedef {object} Source where a program comes from
 * @property {Readonly<Record<string, string>>} packages by the tool that installs them
 * @property {string} link
 * @property {string} instead
 * @property {string} [folders] where it is put, if not on the PATH: a folder of folders, by version
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
  chromium: {
    packages: { 'apt-get': 'chromium', dnf: 'chromium', apk: 'chromium', brew: '--cask chromium' },
    link: 'https://www.chromium.org/getting-involved/download-chromium/',
    instead: 'set SESS_CHROMIUM to the file of a Chromium or Chrome',
  },
}

/** How each tool is told to install a package. */
const COMMANDS = {
  'apt-get': 'sudo apt-get update && sudo apt-get install',
  dnf: 'sudo dnf install',
  apk: 'sudo apk add',
  brew: 'brew install',
}

// Debian starts what it installs, on the usual ports. RUNLEVEL tells sysvinit not to, and SYSTEMD_OFFLINE systemd.
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
  const { folders } = SOURCES[program]
  const versions = folders !== undefined && existsSync(folders) ? readdirSync(folders).map(Number) : []
  const newestFirst = versions.toSorted((one, other) => other - one)
  return (
    lookUp(program, path) ??
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
 * @returns {Promise<string>} why it could not, or '' if it could
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
    // apt-get update, unlike install, does not wait for another apt.
    if (!output.includes('Could not get lock') || performance.now() > end) return `apt-get failed:\n${output}`
    await sleep(1000)
  }
}

/** @type {Map<string, Promise<string>>} */
const installations = new Map()

/** One at a time: two of apt-get would disturb each other. */
let last = Promise.resolve('')

/**
 * @param {Program} program
 * @param {string} path
 */
function installOnce(program, path) {
  const key = `${program} ${path}`
  const installation = installations.get(key) ?? last.then(() => install(program, path))
  installations.set(key, installation)
  last = installation
  return installation
}

/**
 * @param {Program} program
 * @param {string} [path]
 * @returns {Promise<string>} its file
 * @throws an Error that says what to do, if it is missing and could not be installed
 */
export async function findProgram(program, path = process.env['PATH'] ?? '') {
  const found = present(program, path)
  if (found !== undefined) return found

  const failure = await installOnce(program, path)
  const installed = present(program, path)
  if (installed !== undefined) return installed

  const { packages, link, instead } = SOURCES[program]
  const command = Object.entries(COMMANDS).find(([tool]) => lookUp(tool, path) !== undefined)
  throw new Error(
    [
      ...(failure === '' ? [] : [failure]),
      `Tests start ${program}, and it is not on the PATH. Install it: ${command === undefined ? link : `${command[1]} ${packages[command[0]]}`}`,
      `Or ${instead}; but the tests that stop a server need ${program} all the same.`,
    ].join('\n'),
  )
}
