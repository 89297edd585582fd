// Packs every public package as npm would publish it, and checks the tarballs. Run by `npm run packed`, after a build.
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

/**
 * @typedef {{ name: string, private?: boolean, location: string }} Workspace
 * @typedef {{ name: string, filename: string, files: { path: string }[] }} Packed
 * @typedef {{ main?: string, exports?: Record<string, unknown>, files?: string[] }} Manifest
 */

const npm = process.env['npm_execpath']
if (npm === undefined) throw new Error('Run this with npm: npm run packed')

const attw = fileURLToPath(new URL('dist/index.js', import.meta.resolve('@arethetypeswrong/cli/package.json')))

/**
 * @param {...string} args
 * @returns {unknown}
 */
const npmJson = (...args) => JSON.parse(execFileSync(process.execPath, [npm, ...args], { encoding: 'utf8' }))

/**
 * A library is imported. One with a `main` is bundled, and has a build for CommonJS too.
 *
 * @param {string} location
 */
const kindOf = (location) => {
  const {
    main,
    exports = {},
    files = [],
  } = /** @type {Manifest} */ (JSON.parse(readFileSync(join(location, 'package.json'), 'utf8')))
  // What is neither code nor a template, such as a dashboard.
  const further = files.filter((file) => /^[\w-]+\.(?:json|yml)$/.test(file))
  return { isLibrary: '.' in exports, isBundled: main !== undefined, further }
}

/** What bundle.js writes beside the entries: what they share, and the licences of what is inlined. */
const BUNDLED = /^dist\/(?:shared\.c?js|rolldown-runtime\.cjs|third-party-licenses\.txt)$/

/**
 * The template files of a package, relative to its root. npm leaves files of some names out of a tarball.
 *
 * @param {string} location
 * @returns {string[]}
 */
function templates(location) {
  const folder = join(location, 'templates')
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return entries.filter((path) => statSync(join(folder, path)).isFile()).map((path) => `templates/${path}`)
}

/**
 * What is missing from a tarball, and what must not be in it, such as the output of a deleted source file.
 *
 * @param {string} location
 * @param {string[]} files
 * @returns {string[]}
 */
function contents(location, files) {
  const { isLibrary, isBundled, further } = kindOf(location)
  const code = isLibrary ? ['dist/index.js', 'dist/index.d.ts'] : []
  if (isBundled) code.push('dist/index.cjs', 'dist/index.d.cts')
  const isSource = isBundled ? () => false : (/** @type {string} */ file) => /^src\/.+\.ts$/.test(file)
  const written = [...templates(location), ...further]
  const wanted = ['LICENSE', 'package.json', ...code, ...written]
  const missing = wanted.filter((file) => !files.includes(file))
  const surplus = files.filter((file) => {
    if (isBundled && BUNDLED.test(file)) return false
    const output = isBundled ? /^dist\/(.+?)(?:\.d\.c?ts|\.c?js)$/ : /^dist\/(.+?)(?:\.d\.ts|\.js)(?:\.map)?$/
    const source = output.exec(file)?.[1]
    if (source !== undefined) return !existsSync(join(location, 'src', `${source}.ts`))
    return (
      !written.includes(file) && !isSource(file) && !/^(?:LICENSE|README\.md|CHANGELOG\.md|package\.json)$/.test(file)
    )
  })
  return [...missing.map((file) => `${file} is missing`), ...surplus.map((file) => `${file} should not be there`)]
}

/**
 * @param {string} tarball
 * @returns {Promise<string[]>}
 */
async function lint(tarball) {
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
    strict: true,
  })
  // The nested package.json of a template becomes the manifest of a new package.
  const ours = messages.filter(
    (message) =>
      message.code !== 'NESTED_PACKAGE_JSON_FIELD_IGNORED' || !message.args.filePath.startsWith('./templates/'),
  )
  return ours.map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`)
}

/**
 * Whether TypeScript finds the types of every entry, in each of its four resolutions for what has both formats.
 *
 * @param {string} tarball
 * @param {boolean} isBundled
 * @returns {Promise<string[]>}
 */
function types(tarball, isBundled) {
  const profile = isBundled ? 'strict' : 'esm-only'
  const args = [attw, tarball, '--profile', profile, '--format', 'ascii', '--no-color', '--no-emoji']
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve(error === null ? [] : [`attw:\n${stdout}${stderr}`]),
    )
  })
}

let failed = false
const folder = mkdtempSync(join(tmpdir(), 'sess-packed-'))
try {
  const workspaces = /** @type {Workspace[]} */ (npmJson('query', '.workspace')).filter(
    ({ private: hidden }) => !hidden,
  )
  const chosen = workspaces.flatMap(({ name }) => ['--workspace', name])
  const tarballs = /** @type {Packed[]} */ (
    npmJson('pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...chosen)
  )
  const checks = workspaces.map(async ({ name, location }) => {
    const packed = tarballs.find((one) => one.name === name)
    if (packed === undefined) throw new Error(`npm pack made no tarball for ${name}`)
    const tarball = join(folder, packed.filename)
    const files = packed.files.map(({ path }) => path)
    const { isLibrary, isBundled } = kindOf(location)
    const typed = isLibrary ? types(tarball, isBundled) : []
    return { name, files, problems: [...contents(location, files), ...(await lint(tarball)), ...(await typed)] }
  })
  for (const { name, files, problems } of await Promise.all(checks)) {
    console.log(`${name}: ${files.length} files, ${problems.length === 0 ? 'ok' : `${problems.length} problems`}`)
    for (const problem of problems) console.error(`  ${problem}`)
    failed ||= problems.length > 0
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0
