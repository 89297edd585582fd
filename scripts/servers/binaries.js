// The programs of the servers: on the PATH, or else installed, where that can be done without asking anyone.
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** @typedef {'redis-server' | 'memcached'} Program */

const INSTEAD = {
  'redis-server': 'set SESS_REDIS_URL to one that runs, such as redis://127.0.0.1:6379',
  memcached: 'set SESS_MEMCACHED_SERVERS to those that run, such as 127.0.0.1:11211',
}

/** Where each of these is on the PATH, what installs both programs. */
const INSTALLERS = {
  'apt-get': 'sudo apt-get update && sudo apt-get install redis-server memcached',
  dnf: 'sudo dnf install valkey-compat-redis memcached',
  apk: 'sudo apk add redis memcached',
  brew: 'brew install redis memcached',
}

const LINKS = 'https://redis.io/docs/latest/operate/oss_and_stack/install/ and https://memcached.org/downloads'

// Debian starts what it installs, on the usual ports. RUNLEVEL tells sysvinit not to, and SYSTEMD_OFFLINE systemd.
const APT = `export DEBIAN_FRONTEND=noninteractive LC_ALL=C RUNLEVEL=1 SYSTEMD_OFFLINE=1
apt-get update &&
exec apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 redis-server memcached`

const LOCK_MS = 120_000

/**
 * @param {string} name
 * @param {string} path
 */
function lookUp(name, path) {
  const files = path.split(delimiter).map((folder) => join(folder, name))
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
 * @param {string} path
 * @returns {Promise<string>} why it could not, or '' if it could
 */
async function install(path) {
  if (lookUp('apt-get', path) === undefined) return ''
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  if (sudo.length > 0 && !(await run(path, [...sudo, 'true'])).done) return ''
  console.error('Installing redis-server and memcached with apt-get: tests start them.')
  for (const end = performance.now() + LOCK_MS; ;) {
    const { done, output } = await run(path, [...sudo, 'sh', '-c', APT])
    if (done) return ''
    // apt-get update, unlike install, does not wait for another apt.
    if (!output.includes('Could not get lock') || performance.now() > end) return `apt-get failed:\n${output}`
    await sleep(1000)
  }
}

/** @type {Map<string, Promise<string>>} */
const installations = new Map()

/**
 * @param {Program} program
 * @param {string} [path]
 * @returns {Promise<string>} its file
 * @throws an Error that says what to do, if it is missing and could not be installed
 */
export async function findProgram(program, path = process.env['PATH'] ?? '') {
  const present = lookUp(program, path)
  if (present !== undefined) return present

  const installation = installations.get(path) ?? install(path)
  installations.set(path, installation)
  const failure = await installation
  const installed = lookUp(program, path)
  if (installed !== undefined) return installed

  const command = Object.entries(INSTALLERS).find(([tool]) => lookUp(tool, path) !== undefined)?.[1]
  throw new Error(
    [
      ...(failure === '' ? [] : [failure]),
      `Tests start ${program}, and it is not on the PATH. Install it: ${command ?? LINKS}`,
      `Or ${INSTEAD[program]}; but the tests that stop a server need ${program} all the same.`,
    ].join('\n'),
  )
}
