// Checks what the workspaces must agree on and sherif does not check. Run by `npm run manifests`.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @typedef {{ name: string, private?: boolean, version: string, main?: string, exports: Record<string, unknown>,
 *   repository?: { url?: string, directory?: string }, devDependencies?: Record<string, string>,
 *   peerDependencies?: Record<string, string> }} Manifest
 * @typedef {{ tasks: Record<string, { dependsOn?: string[] }> }} Turbo
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
const lock = /** @type {Lock} */ (json('package-lock.json'))

const folders = ['packages', 'examples']
  .flatMap((parent) => readdirSync(parent).map((name) => `${parent}/${name}`))
  .filter((folder) => existsSync(join(folder, 'package.json')))

/** @param {string} folder */
const manifestOf = (folder) => /** @type {Manifest} */ (json(folder, 'package.json'))

const published = folders.filter((folder) => !manifestOf(folder).private)
const repositories = new Set(published.map((folder) => manifestOf(folder).repository?.url))

/**
 * What `exports` says of an entry that is built as an ES module and as a CommonJS module. The first condition that holds
 * counts. Node imports and requires one copy, the ES module (`module-sync`), unless it cannot require those. So does a
 * bundler (`module`), which would otherwise put both into a bundle. Jest gets the CommonJS module.
 *
 * @param {string} name
 */
function bothFormats(name) {
  const module = { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` }
  const commonJs = { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` }
  return { 'module-sync': module, module, require: commonJs, default: module }
}

/** Packages that import nothing from core. */
const withoutCore = new Set(['@sess/core', '@sess/create-adapter'])

for (const folder of folders) {
  const manifest = manifestOf(folder)
  const { name } = manifest

  // Turbo has no "every package" for a task of the root, so turbo.json must list all packages.
  for (const [task, { dependsOn = [] }] of Object.entries(turbo.tasks)) {
    const listed = !task.startsWith('//#') || dependsOn.includes(`${name}#build`)
    check(listed, `turbo.json: ${task} does not depend on ${name}#build`)
  }

  if (manifest.private) continue
  check(
    existsSync(join(folder, 'LICENSE')) && read(folder, 'LICENSE') === read('LICENSE'),
    `${folder}: LICENSE is missing or differs from the one in the root`,
  )
  for (const [path, target] of Object.entries(manifest.main === undefined ? {} : manifest.exports)) {
    const expected = path.endsWith('.json') ? path : bothFormats(path === '.' ? 'index' : path.slice(2))
    // The text of an object shows the order of its keys.
    check(
      JSON.stringify(target) === JSON.stringify(expected),
      `${folder}: exports must say of ${path}: ${JSON.stringify(expected)}`,
    )
  }
  // Core must not break an adapter within this range. With a caret range, changesets would turn every minor of core
  // into a major of each adapter.
  const core = manifest.peerDependencies?.['@sess/core']
  check(
    withoutCore.has(name) || /^>=0\.\d+\.\d+ <1$/.test(core ?? ''),
    `${folder}: @sess/core must be a peer ">=0.x.y <1"`,
  )
}

check(repositories.size === 1, 'package.json: repository.url must be the same in all published packages, or in none')
for (const folder of published) {
  const { repository } = manifestOf(folder)
  // npm rejects a provenance statement that contradicts the manifest.
  check(repository === undefined || repository.directory === folder, `${folder}: repository.directory is not ${folder}`)
}

// A skeleton starts with the same range of core as our own adapters, and with the tool versions that we test with.
const template = manifestOf('packages/create-adapter/templates/common')
const range = manifestOf('packages/adapter-memory').peerDependencies?.['@sess/core']
const tools = manifestOf('.').devDependencies ?? {}
check(template.peerDependencies?.['@sess/core'] === range, `the template: @sess/core must be a peer "${range}"`)
for (const [name, version] of Object.entries(template.devDependencies ?? {})) {
  const expected = name.startsWith('@sess/') ? range : tools[name]
  check(version === expected, `the template: ${name} must be "${expected}"`)
}

for (const [path, { resolved, link = false }] of Object.entries(lock.packages)) {
  check(resolved === undefined || link, `package-lock.json: ${path} must not have a "resolved" URL`)
}

for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
