// What the workspaces must agree on and sherif does not know. Run by `npm run manifests`.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @typedef {{ name: string, private?: boolean, version: string, scripts?: Record<string, string>,
 *   peerDependencies?: Record<string, string> }} Manifest
 * @typedef {{ tasks: Record<string, { dependsOn?: string[] }> }} Turbo
 * @typedef {{ references?: { path: string }[] }} Solution
 * @typedef {{ packages: Record<string, { resolved?: string, link?: boolean }> }} Lock
 */

/** @param {...string} path */
const read = (...path) => readFileSync(join(...path), 'utf8')

/**
 * @param {...string} path
 * @returns {unknown}
 */
const json = (...path) => JSON.parse(read(...path))

/** @type {string[]} */
const problems = []

/**
 * @param {boolean} holds
 * @param {string} problem
 */
const check = (holds, problem) => {
  if (!holds) problems.push(problem)
}

const turbo = /** @type {Turbo} */ (json('turbo.json'))
const solution = /** @type {Solution} */ (json('tsconfig.json'))
const lock = /** @type {Lock} */ (json('package-lock.json'))

const folders = ['packages', 'examples']
  .flatMap((parent) => readdirSync(parent).map((name) => `${parent}/${name}`))
  .filter((folder) => existsSync(join(folder, 'package.json')))

for (const folder of folders) {
  const manifest = /** @type {Manifest} */ (json(folder, 'package.json'))
  const { name } = manifest

  // Turbo cannot say "every package" for a task of the root, so the list is written out, and must be whole.
  for (const [task, { dependsOn = [] }] of Object.entries(turbo.tasks)) {
    const listed = !task.startsWith('//#') || dependsOn.includes(`${name}#build`)
    check(listed, `turbo.json: ${task} does not depend on ${name}#build`)
  }

  if (manifest.private) continue
  check(solution.references?.some(({ path }) => path === folder) === true, `tsconfig.json: no reference to ${folder}`)
  check(
    existsSync(join(folder, 'LICENSE')) && read(folder, 'LICENSE') === read('LICENSE'),
    `${folder}: not our LICENSE`,
  )
  // Core below 1 may break an adapter only by leaving this range; a caret would make every minor of core a major of it.
  const core = manifest.peerDependencies?.['@sess/core']
  check(
    name === '@sess/core' || /^>=0\.\d+\.\d+ <1$/.test(core ?? ''),
    `${folder}: @sess/core must be a peer ">=0.x.y <1"`,
  )
}

for (const [path, { resolved, link = false }] of Object.entries(lock.packages)) {
  check(resolved === undefined || link, `package-lock.json: ${path} names where it came from`)
}

for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
