import { readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { moduleResolve } from 'import-meta-resolve'
import leven from 'leven'
import type { Adapter } from '../contract.js'
import { safeCause, SessError } from '../error.js'

const require = createRequire(import.meta.url)

const OWN_SCOPE = '@sess'
const OWN_PREFIX = 'adapter-'
const OTHERS_PREFIX = 'sess-adapter-'

const FIRST_PARTY: ReadonlySet<string> = new Set(['cookie', 'memory', 'redis', 'memcache', 'sqlite'])

/** A name may come from the environment, so it must not be able to name anything but a package. */
const NAME = /^[a-z][a-z0-9-]{0,99}$/
const PACKAGE = /^@[a-z0-9][a-z0-9._-]{0,99}\/[a-z0-9][a-z0-9._-]{0,99}$/

/** The first of these that a package lists is used. `require` loads the file, whether it is an ES module or not. */
const CONDITIONS = new Set(['node', 'module-sync', 'import', 'require'])

/**
 * Finds the adapter of that name from `bases`, the URLs of files or folders, in order, and loads it. Throws
 * `ADAPTER_NAME`, `ADAPTER_NOT_FOUND`, `ADAPTER_LOAD_FAILED` or `ADAPTER_INVALID`.
 */
export function loadAdapter(name: string, bases: readonly URL[]): Adapter {
  const packages = candidates(name)
  for (const base of bases) {
    for (const candidate of packages) {
      const path = find(name, candidate, base)
      if (path !== undefined) return adapterOf(name, path, load(name, path))
    }
  }
  throw notFound(name, packages, bases)
}

function candidates(name: string): readonly string[] {
  if (PACKAGE.test(name)) return [name]
  if (!NAME.test(name)) {
    throw new SessError(
      'ADAPTER_NAME',
      `${shown(name)} cannot be the name of an adapter. Use lower-case letters, digits and hyphens, such as 'redis', ` +
        `or the full name of a scoped package, such as '@acme/sessions'.`,
    )
  }
  // A first-party name means only our package, so no other package can replace one that is not installed.
  return FIRST_PARTY.has(name) ? [ownPackage(name)] : [ownPackage(name), `${OTHERS_PREFIX}${name}`]
}

function ownPackage(name: string): string {
  return `${OWN_SCOPE}/${OWN_PREFIX}${name}`
}

/** `undefined`: no such package. Anything else that is wrong with an installed package is an error. */
function find(name: string, specifier: string, base: URL): string | undefined {
  try {
    return fileURLToPath(moduleResolve(specifier, base, CONDITIONS))
  } catch (error) {
    // If the package is there but the file to load is missing, the code is the same and the message names a path.
    const isMissing = codeOf(error) === 'ERR_MODULE_NOT_FOUND' && missingIn(error) === specifier
    if (isMissing) return undefined
    throw loadFailed(name, specifier, error)
  }
}

function load(name: string, path: string): unknown {
  try {
    return require(path)
  } catch (error) {
    throw loadFailed(name, path, error)
  }
}

function adapterOf(name: string, path: string, loaded: unknown): Adapter {
  const exported = defaultOf(defaultOf(loaded))
  if (isAdapter(exported)) return exported
  throw new SessError(
    'ADAPTER_INVALID',
    `The adapter '${name}' (${path}) exports ${exportsOf(exported)}; expected a default export that is a function: it takes options and returns a store.`,
  )
}

function exportsOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : `a value of type ${typeof value}`
  const names = Object.keys(value)
  return names.length === 0 ? 'nothing' : names.slice(0, 10).join(', ')
}

/** The default export. Called twice, since a module compiled to CommonJS has its default export inside `exports`. */
function defaultOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'default' in value ? value.default : value
}

function isAdapter(value: unknown): value is Adapter {
  return typeof value === 'function'
}

const REASONS: Readonly<Record<string, string>> = {
  ERR_REQUIRE_ASYNC_MODULE: 'it uses await at its top level, and adapters are loaded synchronously',
  ERR_REQUIRE_ESM: `this Node (${process.version}) cannot require ES modules; use Node 20.19 or later`,
  ERR_PACKAGE_PATH_NOT_EXPORTED: 'its package.json exports nothing as "."',
  ERR_INVALID_PACKAGE_CONFIG: 'its package.json cannot be read',
}

function loadFailed(name: string, where: string, error: unknown): SessError {
  const missing = missingIn(error)
  const why =
    missing === undefined
      ? (REASONS[codeOf(error) ?? ''] ?? 'see the cause of this error')
      : isAbsolute(missing)
        ? `there is no file ${missing}; is the package built?`
        : `it needs ${missing}, which is missing`
  return new SessError(
    'ADAPTER_LOAD_FAILED',
    `The adapter '${name}' was found (${where}) but could not be loaded: ${why}.`,
    // Not copied, to retain the stack: the adapter has not been passed anything confidential yet.
    { cause: error instanceof Error ? error : safeCause(error) },
  )
}

/** The package or file that was not found, if that is the reason of the error. */
function missingIn(error: unknown): string | undefined {
  const code = codeOf(error)
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined
  return /Cannot find (?:package|module) '([^']+)'/.exec(error instanceof Error ? error.message : '')?.[1]
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function notFound(name: string, packages: readonly string[], bases: readonly URL[]): SessError {
  const from = bases.map((base) => fileURLToPath(base)).join(' and ')
  const installed = [...new Set(bases.flatMap(installedNames))]
  const [nearest] = installed
    .map((other) => ({ other, distance: leven(name, other) }))
    .filter(({ other, distance }) => distance <= Math.max(2, other.length / 3))
    .toSorted((one, other) => one.distance - other.distance)
  // Only our own packages are suggested for installation: the owner of any other package is unknown.
  const own = packages.find((candidate) => [...FIRST_PARTY].map(ownPackage).includes(candidate))
  const hints = [
    nearest && `Did you mean '${nearest.other}'?`,
    installed.length > 0 ? `Installed: ${installed.join(', ')}.` : 'No adapter is installed there.',
    own && `Install it: npm install ${own}`,
  ]
  return new SessError(
    'ADAPTER_NOT_FOUND',
    `No adapter '${name}': looked for ${packages.join(' and ')} from ${from}. ${hints.filter(Boolean).join(' ')}`,
  )
}

/** The names of the adapters that a module at `base` could load. */
function installedNames(base: URL): readonly string[] {
  const names: string[] = []
  let folder = fileURLToPath(new URL('.', base))
  for (;;) {
    const modules = join(folder, 'node_modules')
    names.push(...namesIn(join(modules, OWN_SCOPE), OWN_PREFIX))
    names.push(...namesIn(modules, OTHERS_PREFIX).filter((name) => !FIRST_PARTY.has(name)))
    const parent = dirname(folder)
    if (parent === folder) return names
    folder = parent
  }
}

function namesIn(folder: string, prefix: string): readonly string[] {
  return list(folder)
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => entry.slice(prefix.length))
    .filter((name) => NAME.test(name))
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** The name for a message, except if it looks like a store's URL or a secret that was passed by mistake. */
function shown(name: string): string {
  return name.length < 32 && !name.includes('//') ? JSON.stringify(name) : `A string of ${name.length} characters`
}

/** Where to look: only from `from` if it is given; otherwise from the calling file, then the working directory. */
export function resolutionBases(from: string | URL | undefined, caller: string | undefined): readonly URL[] {
  if (from !== undefined) return [baseOf(from)]
  const workingDirectory = pathToFileURL(`${process.cwd()}/`)
  return caller === undefined ? [workingDirectory] : [baseOf(caller), workingDirectory]
}

/** `from` is a URL or a path, of a file (`import.meta.url`, `__filename`) or a folder. */
function baseOf(from: string | URL): URL {
  const path = from instanceof URL || from.startsWith('file:') ? fileURLToPath(from) : resolve(from)
  return pathToFileURL(isFolder(path) ? `${path}/` : path)
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
