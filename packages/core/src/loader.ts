import { readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { moduleResolve } from 'import-meta-resolve'
import leven from 'leven'
import type { Adapter } from './contract.js'
import { safeCause, SessError } from './error.js'

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
      if (path !== undefined) return adapterOf(name, path, load(name, path, base))
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
  return FIRST_PARTY.has(name) ? [`@sess/adapter-${name}`] : [`@sess/adapter-${name}`, `sess-adapter-${name}`]
}

/** `undefined`: no such package. Whatever else is wrong with a package that is there is an error. */
function find(name: string, specifier: string, base: URL): string | undefined {
  try {
    return fileURLToPath(moduleResolve(specifier, base, CONDITIONS))
  } catch (error) {
    const isMissing =
      error instanceof Error &&
      'code' in error &&
      error.code === 'ERR_MODULE_NOT_FOUND' &&
      error.message.startsWith('Cannot find package')
    if (isMissing) return undefined
    throw loadFailed(name, specifier, error)
  }
}

function load(name: string, path: string, base: URL): unknown {
  try {
    return createRequire(base)(path)
  } catch (error) {
    throw loadFailed(name, path, error)
  }
}

function adapterOf(name: string, path: string, loaded: unknown): Adapter {
  const exported = defaultOf(defaultOf(loaded))
  if (isAdapter(exported)) return exported
  throw new SessError(
    'ADAPTER_INVALID',
    `The adapter '${name}' (${path}) exports ${exported === null ? 'null' : `a ${typeof exported}`} by default; expected a function of options that makes a store.`,
  )
}

/** Twice, since a module that was compiled to CommonJS carries its default export within `exports`. */
function defaultOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'default' in value ? value.default : value
}

function isAdapter(value: unknown): value is Adapter {
  return typeof value === 'function'
}

function loadFailed(name: string, where: string, error: unknown): SessError {
  const message = error instanceof Error ? error.message : ''
  const missing = /Cannot find (?:package|module) '([^']+)'/.exec(message)?.[1]
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const why =
    missing !== undefined
      ? `${missing} is missing: install it, or build the package`
      : code === 'ERR_REQUIRE_ASYNC_MODULE'
        ? 'it uses await at its top level, and adapters are loaded synchronously'
        : code === 'ERR_REQUIRE_ESM'
          ? `this Node (${process.version}) cannot require ES modules; use Node 20.19 or later`
          : 'see the cause'
  return new SessError(
    'ADAPTER_LOAD_FAILED',
    `The adapter '${name}' was found (${where}) and could not be loaded: ${why}.`,
    {
      cause: safeCause(error),
    },
  )
}

function notFound(name: string, packages: readonly string[], bases: readonly URL[]): SessError {
  const from = bases.map((base) => fileURLToPath(base)).join(' and ')
  const installed = [...new Set(bases.flatMap(installedNames))]
  const [nearest] = installed
    .map((other) => ({ other, distance: leven(name, other) }))
    .filter(({ other, distance }) => distance <= Math.max(2, other.length / 3))
    .toSorted((one, other) => one.distance - other.distance)
  const hints = [
    nearest && `Did you mean '${nearest.other}'?`,
    // Nobody is invited to install a package of which we do not know whose it is.
    FIRST_PARTY.has(name) && `Install it: npm install @sess/adapter-${name}`,
    installed.length > 0 ? `Installed: ${installed.join(', ')}.` : 'No adapter is installed there.',
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
    for (const entry of list(join(modules, '@sess')))
      if (entry.startsWith('adapter-')) names.push(entry.slice('adapter-'.length))
    for (const entry of list(modules))
      if (entry.startsWith('sess-adapter-')) names.push(entry.slice('sess-adapter-'.length))
    const parent = dirname(folder)
    if (parent === folder) return names
    folder = parent
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function shown(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 79)}…` : name)
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
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  return pathToFileURL(isFolder ? `${path}/` : path)
}
