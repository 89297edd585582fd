// What a cold process pays to import its packages, and what is installed for them: each set of packages is installed in
// an empty project of its own, ours from their tarballs.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ratio, show, shuffled, spread } from '../ratio.js'
import { START } from '../targets.js'
import { table } from '../table.js'

const PACKAGES = fileURLToPath(new URL('../../packages/', import.meta.url))

/** By name: the packages that an application installs and imports. @type {Record<string, readonly string[]>} */
const SETS = {
  '@sess, cookie': ['@sess/core', '@sess/adapter-cookie'],
  '@sess, memory': ['@sess/core', '@sess/adapter-memory'],
  '@sess, redis': ['@sess/core', '@sess/adapter-redis'],
  '@sess, memcache': ['@sess/core', '@sess/adapter-memcache'],
  '@sess, sqlite': ['@sess/core', '@sess/adapter-sqlite'],
  ioredis: ['ioredis'],
  'express-session + connect-redis': ['express-session', 'connect-redis', 'redis'],
  'iron-session': ['iron-session'],
}

const OWN = new Set(Object.values(SETS).flatMap((names) => names.filter((name) => name.startsWith('@sess/'))))

/** @typedef {{ name: string, cpu: number[], wall: number[], packages: number, bytes: number }} Row in milliseconds */

/** @param {import('../start.js').Wanted} wanted @returns {Promise<Row[]>} */
export async function measure({ isShort }) {
  console.error('start')
  const folder = mkdtempSync(join(tmpdir(), 'sess-start-'))
  try {
    const tarballs = new Map([...OWN].map((name) => [name, pack(name, folder)]))
    const rows = Object.entries(SETS).map(([name, packages], at) =>
      install(name, join(folder, String(at)), packages, tarballs),
    )
    // The first round is not counted: it reads the files from the disk.
    for (let round = -1; round < (isShort ? 7 : 20); round++) {
      for (const { row, project } of shuffled(rows)) {
        const { cpu, wall } = cold(project, SETS[row.name] ?? [])
        if (round < 0) continue
        row.cpu.push(cpu)
        row.wall.push(wall)
      }
    }
    return rows.map(({ row }) => row)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Returns the path of the tarball. @param {string} name of ours @param {string} folder */
function pack(name, folder) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const output = execFileSync('npm', args, { cwd: join(PACKAGES, name.slice('@sess/'.length)), encoding: 'utf8' })
  return join(folder, JSON.parse(output)[0].filename)
}

/**
 * @param {string} name
 * @param {string} project a folder that does not exist
 * @param {readonly string[]} packages
 * @param {ReadonlyMap<string, string>} tarballs
 */
function install(name, project, packages, tarballs) {
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  const specs = packages.map((each) => tarballs.get(each) ?? `${each}@${versionOf(each)}`)
  // No import needs what an install script makes.
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock']
  execFileSync('npm', ['install', ...flags, ...specs], { cwd: project, stdio: 'pipe' })
  const files = readdirSync(join(project, 'node_modules'), { recursive: true, encoding: 'utf8' })
    .map((path) => join(project, 'node_modules', path))
    .filter((path) => !path.endsWith('.package-lock.json') && statSync(path).isFile())
  const bytes = files.reduce((sum, path) => sum + statSync(path).size, 0)
  const manifests = files.filter((path) => /\/node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/.test(path))
  return { project, row: { name, cpu: [], wall: [], packages: manifests.length, bytes } }
}

/** The version that the benchmarks use. @param {string} name */
function versionOf(name) {
  for (const modules of ['../node_modules/', '../../node_modules/']) {
    const file = new URL(`${modules}${name}/package.json`, import.meta.url)
    if (statSync(file, { throwIfNoEntry: false })) return JSON.parse(readFileSync(file, 'utf8')).version
  }
  throw new Error(`${name} is not installed.`)
}

/** Imports the packages in a new process. @param {string} project @param {readonly string[]} packages */
function cold(project, packages) {
  const script = `
    const ms = () => ({ wall: performance.now(), cpu: process.cpuUsage() })
    ms()
    const before = ms()
    ${packages.map((name) => `await import(${JSON.stringify(name)})`).join('\n')}
    const after = ms()
    const cpu = after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system
    console.log(JSON.stringify({ wall: after.wall - before.wall, cpu: cpu / 1000 }))
    process.exit()`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: project,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`Importing ${packages.join(', ')} failed: ${stderr}`)
  return JSON.parse(stdout)
}

/** @param {readonly Row[]} rows */
export function report(rows) {
  const find = (/** @type {string} */ name) => rows.find((row) => row.name === name)
  const [cookie, redis, ioredis] = ['@sess, cookie', '@sess, redis', 'ioredis'].map(find)
  const iron = find('iron-session')
  const more = redis.cpu.map((cpu, round) => cpu - ioredis.cpu[round])
  const toIron = spread(more.map((ms, round) => ms / iron.cpu[round]))
  const bounds = [
    ['CPU time, @sess, cookie : iron-session', show(ratio(cookie.cpu, iron.cpu)), START.toIron],
    ['CPU time, (@sess, redis − ioredis) : iron-session', show(toIron), START.moreThanIoredis],
    ['CPU time, @sess, redis − ioredis, ms', show(spread(more), 1), ''],
    ['installed, @sess, cookie, kB', (cookie.bytes / 1e3).toFixed(0), START.cookieKilobytes],
    ['installed, @sess, redis, kB', (redis.bytes / 1e3).toFixed(0), START.redisKilobytes],
  ]
  const measured = table(
    ['imported', 'CPU time, ms', 'wall time, ms', 'packages', 'installed, MB'],
    rows.map(({ name, cpu, wall, packages, bytes }) => {
      const times = [show(spread(cpu), 1), show(spread(wall), 1)]
      return [name, ...times, String(packages), (bytes / 1e6).toFixed(2)]
    }),
  )
  const judged = table(
    ['', 'measured', 'at most'],
    bounds.map(([what, seen, most]) => [what, seen, String(most)]),
  )
  return [measured, judged].join('\n\n')
}
