// How long a cold process takes to import its packages, and how much is installed for it.
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { show, shuffled, spread } from '../ratio.js'
import { table } from '../table.js'

const HERE = fileURLToPath(new URL('..', import.meta.url))

/** By name: the packages that an application installs and imports. @type {Record<string, readonly string[]>} */
const SETS = {
  nothing: [],
  '@sess, cookie': ['@sess/core', '@sess/adapter-cookie'],
  '@sess, memory': ['@sess/core', '@sess/adapter-memory'],
  '@sess, redis': ['@sess/core', '@sess/adapter-redis'],
  '@sess, memcache': ['@sess/core', '@sess/adapter-memcache'],
  '@sess, sqlite': ['@sess/core', '@sess/adapter-sqlite'],
  'express-session + connect-redis': ['express-session', 'connect-redis', 'redis'],
  'iron-session': ['iron-session'],
}

/** @typedef {{ name: string, cpu: number[], wall: number[], packages: number, bytes: number }} Row in milliseconds */

/** @param {import('../start.js').Wanted} wanted @returns {Promise<Row[]>} */
export async function measure({ isShort }) {
  console.error('start')
  const rows = Object.entries(SETS).map(([name, packages]) => rowOf(name, packages))
  const rounds = isShort ? 7 : 25
  for (let round = -1; round < rounds; round++) {
    for (const row of shuffled(rows)) {
      const { cpu, wall } = cold(SETS[row.name] ?? [])
      if (round < 0) continue
      row.cpu.push(cpu)
      row.wall.push(wall)
    }
  }
  return rows
}

/** @param {string} name @param {readonly string[]} packages @returns {Row} */
function rowOf(name, packages) {
  const { amount, bytes } = installed(packages)
  return { name, cpu: [], wall: [], packages: amount, bytes }
}

/** Starts a process that imports the packages and exits. @param {readonly string[]} packages */
function cold(packages) {
  const imports = packages.map((name) => `await import(${JSON.stringify(name)})`)
  const tell = 'const { user, system } = process.cpuUsage(); console.log((user + system) / 1000); process.exit()'
  const began = performance.now()
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', [...imports, tell].join('\n')], {
    cwd: HERE,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`Importing ${packages.join(', ')} failed.`)
  return { cpu: Number(stdout), wall: performance.now() - began }
}

/** The number and the size of these packages and their dependencies. @param {readonly string[]} names */
function installed(names) {
  /** @type {Map<string, number>} */
  const sizes = new Map()
  const add = (/** @type {string} */ name, /** @type {string} */ from) => {
    const folder = folderOf(name, from)
    if (folder === undefined || sizes.has(folder)) return
    const { dependencies = {}, private: isOurs } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    sizes.set(folder, name.startsWith('@sess/') && isOurs === undefined ? packedSize(folder) : sizeOf(folder))
    for (const dependency of Object.keys(dependencies)) add(dependency, folder)
  }
  for (const name of names) add(name, HERE)
  return { amount: sizes.size, bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0) }
}

/** @param {string} name @param {string} from */
function folderOf(name, from) {
  const folders = createRequire(join(from, 'package.json')).resolve.paths(name) ?? []
  const found = folders
    .map((folder) => join(folder, name))
    .find((folder) => statSync(folder, { throwIfNoEntry: false }))
  return found && realpathSync(found)
}

/** The size of a folder of this repository as npm would publish it. @param {string} folder */
function packedSize(folder) {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
  })
  return JSON.parse(output)[0].unpackedSize
}

/** The size of a folder, without the packages inside it. @param {string} folder @returns {number} */
function sizeOf(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .map((entry) => (entry.isDirectory() ? sizeOf(join(folder, entry.name)) : statSync(join(folder, entry.name)).size))
    .reduce((sum, size) => sum + size, 0)
}

/** @param {readonly Row[]} rows */
export function report(rows) {
  return table(
    ['imported', 'CPU time, ms', 'wall time, ms', 'packages', 'installed, MB'],
    rows.map(({ name, cpu, wall, packages, bytes }) => {
      const times = [show(spread(cpu), 0), show(spread(wall), 0)]
      return packages === 0 ? [name, ...times] : [name, ...times, String(packages), (bytes / 1e6).toFixed(2)]
    }),
  )
}
