import { isAbsolute } from 'node:path'
import type { Adapter } from '../contract.js'
import { codeOf, isError, safeCause, SessError } from '../error.js'
import { packagesOf } from './name.js'
import { notFound } from './not-found.js'
import { type Base, requireFrom } from './resolve.js'

/**
 * Finds the adapter of that name from `bases`, in order, and loads it. Throws `ADAPTER_NAME`, `ADAPTER_NOT_FOUND`,
 * `ADAPTER_LOAD_FAILED` or `ADAPTER_INVALID`.
 */
export function loadAdapter(name: string, bases: readonly Base[]): Adapter {
  const packages = packagesOf(name)
  for (const base of bases) {
    for (const candidate of packages) {
      const loaded = requireFrom(base, candidate, (path, error) => loadFailed(name, path, error))
      if (loaded !== undefined) return adapterOf(name, loaded.path, loaded.exported)
    }
  }
  throw notFound(name, packages, bases)
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
  ERR_REQUIRE_ESM: 'it is an ES module, which require() cannot load here. Import it, and pass it instead of its name',
  ERR_PACKAGE_PATH_NOT_EXPORTED: 'its package.json exports nothing as "."',
}

function loadFailed(name: string, where: string, error: unknown): SessError {
  return new SessError(
    'ADAPTER_LOAD_FAILED',
    `The adapter '${name}' was found (${where}) but could not be loaded: ${reasonOf(where, error)}.`,
    // Not copied, to retain the stack: the adapter has not been passed anything confidential yet.
    { cause: isError(error) ? error : safeCause(error) },
  )
}

function reasonOf(where: string, error: unknown): string {
  const text = isError(error) ? error.message : ''
  if (/^(?:Error parsing|Invalid package config)/.test(text)) return 'its package.json cannot be read'
  const code = codeOf(error)
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND')
    return REASONS[code ?? ''] ?? 'see the cause of this error'
  const [, missing] = /Cannot find (?:package|module) '([^']+)'/.exec(text) ?? []
  if (missing === undefined) return 'see the cause of this error'
  // A folder without the file that its package promises.
  if (/[/\\]$/.test(where)) return `there is no file ${isAbsolute(missing) ? missing : where}; is the package built?`
  return isAbsolute(missing)
    ? `there is no file ${missing}; is the package built?`
    : `it needs ${missing}, which is missing`
}
