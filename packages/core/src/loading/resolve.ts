// A default import: webpack replaces a named `createRequire` by a function of its own, which finds nothing.
import nodeModule from 'node:module'
import { dirname, join } from 'node:path'

/** A file or a folder, as an absolute path. The path of a folder ends in a separator. */
export type Base = string

/** The conditions of `exports` for what has no file for `require`: where that loads ES modules, it loads this one. */
const IMPORT_CONDITIONS = new Set(['node', 'module-sync', 'import', 'default'])

/**
 * Loads a package as `require` in a file at `base` would, or `import` if the package is for that alone. `undefined`:
 * there is no such package. Anything else that is wrong is an error, which `onError` gets with the path to the package.
 */
export function requireFrom(
  base: Base,
  name: string,
  onError: (path: string, error: unknown) => Error,
): { readonly path: string; readonly exported: unknown } | undefined {
  const require = requireOf(base)
  const path = require && pathOf(require, base, name, onError)
  if (require === undefined || path === undefined) return undefined
  try {
    return { path, exported: require(path) }
  } catch (error) {
    throw onError(path, error)
  }
}

/** `undefined`: this runtime loads nothing at run time. */
function requireOf(base: Base): NodeJS.Require | undefined {
  try {
    // Some runtimes take only a file. It need not exist.
    return nodeModule.createRequire(/[/\\]$/.test(base) ? join(base, 'index.js') : base)
  } catch {
    return undefined
  }
}

function pathOf(
  require: NodeJS.Require,
  base: Base,
  name: string,
  onError: (path: string, error: unknown) => Error,
): string | undefined {
  const folder = modulesAbove(base)
    .map((modules) => join(modules, name))
    .find(isFolder)
  try {
    const path = require.resolve(name)
    return folder === undefined && isGlobal(require, name) ? undefined : path
  } catch (error) {
    // Yarn finds packages without folders.
    const pnpCode = typeof error === 'object' && error !== null && 'pnpCode' in error ? error.pnpCode : undefined
    if (pnpCode !== undefined && pnpCode !== 'UNDECLARED_DEPENDENCY') throw onError(name, error)
    if (folder === undefined) return undefined
    const target = importTarget(join(folder, 'package.json'))
    if (target === undefined) throw onError(join(folder, '/'), error)
    return join(folder, target)
  }
}

/** Whether the package is where `require` looks in the end: in NODE_PATH, and in a folder of the user. */
function isGlobal(require: NodeJS.Require, name: string): boolean {
  return (require.resolve.paths(name) ?? []).some((modules) => isFolder(join(modules, name)))
}

/** What the package exports as `"."` to `import`, if its manifest says so. */
function importTarget(file: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(process.getBuiltinModule('node:fs').readFileSync(file, 'utf8'))
    if (typeof manifest !== 'object' || manifest === null || !('exports' in manifest)) return undefined
    const { exports } = manifest
    const isMap = typeof exports === 'object' && exports !== null && '.' in exports
    return targetOf(isMap ? exports['.'] : exports)
  } catch {
    return undefined
  }
}

/** The first target whose conditions hold. */
function targetOf(exported: unknown): string | undefined {
  if (typeof exported === 'string') return exported
  if (typeof exported !== 'object' || exported === null) return undefined
  for (const [condition, target] of Object.entries(exported)) {
    if (!Array.isArray(exported) && !IMPORT_CONDITIONS.has(condition)) continue
    const found = targetOf(target)
    if (found !== undefined) return found
  }
  return undefined
}

/** The folders in which a module at `base` finds packages, nearest first. */
export function modulesAbove(base: Base): readonly string[] {
  const folders: string[] = []
  for (let folder = dirname(`${base}_`); ; folder = dirname(folder)) {
    folders.push(join(folder, 'node_modules'))
    if (folder === dirname(folder)) return folders
  }
}

/** Whether there is a folder of that name. */
export function isFolder(path: string): boolean {
  try {
    return process.getBuiltinModule('node:fs').statSync(path).isDirectory()
  } catch {
    return false
  }
}
