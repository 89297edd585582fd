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

/** A name may come from the environment: nothing in it may reach beyond one package. */
const NAME = /^[a-z][a-z0-9-]{0,99}$/
const PACKAGE = /^@[a-z0-9][a-z0-9._-]{0,99}\/[a-z0-9][a-z0-9._-]{0,99}$/

/** Whichever of these a package lists first: what is resolved is loaded by `require`, ES module or not. */
const CONDITIONS = new Set(['node', 'module-sync', 'import', 'require'])

/**
 * Finds the adapter of that name, as installed for the first of `bases` (a file's or folder's URL)
 * that has it, and loads it. Throws `ADAPTER_NAME`, `ADAPTER_NOT_FOUND`, `ADAPTER_LOAD_FAILED` or
 * `ADAPTER_INVALID`.
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
      `${shown(name)} cannot be the name of an adapter. A name is lower-case letters, digits and hyphens, such as 'redis'; ` +
        `or the full name of a scoped package, such as '@acme/sessions'.`,
    )
  }
  // A first-party name means our package alone, so that nobody can stand in for one that is not installed.
  return FIRST_PARTY.has(name) ? [ownPackage(name)] : [ownPackage(name), `${OTHERS_PREFIX}${name}`]
}

function ownPackage(name: string): string {
  return `${OWN_SCOPE}/${OWN_PREFIX}${name}`
}

/** `undefined`: no such package. Whatever else is wrong with a package that is there is an error. */
function find(name: string, specifier: string, base: URL): string | undefined {
  try {
    return fileURLToPath(moduleResolve(specifier, base, CONDITIONS))
  } catch (error) {
    // A package that is there, but lacks the file to load, has the same code; its message names a path.
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
    `The adapter '${name}' (${path}) exports ${exportsOf(exported)}; expected, by default, a function of options that makes a store.`,
  )
}

function exportsOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : `a value of type ${typeof value}`
  const names = Object.keys(value)
  return names.length === 0 ? 'nothing' : names.slice(0, 10).join(', ')
}

/** Twice, since a module that was compiled to CommonJS carries its default export within `exports`. */
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
      ? (REASONS[codeOf(error) ?? ''] ?? 'the cause of this error says why')
      : isAbsolute(missing)
        ? `nothing is to be loaded at ${missing}; is the package built?`
        : `it needs ${missing}, which is missing`
  return new SessError(
    'ADAPTER_LOAD_FAILED',
    `The adapter '${name}' was found (${where}) and could not be loaded: ${why}.`,
    // As it is, stack and all: nothing has been said to the adapter yet that must not be seen.
    { cause: error instanceof Error ? error : safeCause(error) },
  )
}

/** The package or file that was not found, if that is what went wrong. */
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
  // Nobody is invited to install a package of which we do not know whose it is.
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

/** A store's URL or a secret, given by mistake, is not repeated. */
function shown(name: string): string {
  return name.length < 32 && !name.includes('//') ? JSON.stringify(name) : `A string of ${name.length} characters`
}

/** Where to look: at `from` alone if it is given, else at the calling file, then at the working directory. */
export function resolutionBases(from: string | URL | undefined, caller: string | undefined): readonly URL[] {
  if (from !== undefined) return [baseOf(from)]
  const workingDirectory = pathToFileURL(`${process.cwd()}/`)
  return caller === undefined ? [workingDirectory] : [baseOf(caller), workingDirectory]
}

/** `from` as a URL or path, of a file (`import.meta.url`, `__filename`) or a folder. */
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
