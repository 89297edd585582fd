import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import leven from 'leven'
import { SessError } from '../error.js'
import { callerOf } from './caller.js'
import { firstPartyName, nameOf } from './name.js'
import { type Base, modulesAbove } from './resolve.js'

/** The error for a name of which no package was found. */
export function notFound(name: string, packages: readonly [string, ...string[]], bases: readonly Base[]): SessError {
  const installed = [...new Set(bases.flatMap(installedNames))]
  const [nearest] = installed
    .map((other) => ({ other, distance: leven(name, other) }))
    .filter(({ other, distance }) => distance <= Math.max(2, other.length / 3))
    .toSorted((one, other) => one.distance - other.distance)
  const hints = [
    nearest && `Did you mean '${nearest.other}'?`,
    installed.length > 0 && `Installed: ${installed.join(', ')}.`,
    ...(isBundled()
      ? [passing(packages)]
      : [installed.length === 0 && 'No adapter is installed there.', installing(packages)]),
  ]
  return new SessError(
    'ADAPTER_NOT_FOUND',
    `No adapter '${name}': looked for ${packages.join(' and ')} from ${bases.join(' and ')}. ${hints.filter(Boolean).join(' ')}`,
  )
}

/** Only our own packages are suggested for installation: the owner of any other package is unknown. */
function installing([first]: readonly [string, ...string[]]): string | undefined {
  return firstPartyName(first) && `Install it: npm install ${first}`
}

/** A bundler includes what is imported, and cannot know what a name will mean. */
function passing(packages: readonly [string, ...string[]]): string {
  const [first] = packages
  const own = firstPartyName(first)
  const [variable, specifier] = own === undefined ? ['adapter', packages.at(-1)] : [own, first]
  return (
    'This code is in a bundle, which includes only what it imports: pass the adapter instead of its name. ' +
    `import ${variable} from '${specifier}'; sessions(${variable}, …)`
  )
}

/** Whether core's code is in a file of another package, into which a bundler has put it. */
function isBundled(): boolean {
  const file = callerOf()
  if (file === undefined) return true
  const path = file.startsWith('file:') ? fileURLToPath(file) : file
  // In node_modules this is so without a look at the disk, which Deno may not allow.
  return !/[/\\]@sess[/\\]core[/\\]/.test(path) && packageAt(dirname(path)) !== '@sess/core'
}

/** The name of the package that a folder belongs to. Deno gives a source's path, which is deeper than that of `dist`. */
function packageAt(folder: string): unknown {
  try {
    const text = process.getBuiltinModule('node:fs').readFileSync(join(folder, 'package.json'), 'utf8')
    const manifest: unknown = JSON.parse(text)
    return typeof manifest === 'object' && manifest !== null && 'name' in manifest ? manifest.name : undefined
  } catch {
    return dirname(folder) === folder ? undefined : packageAt(dirname(folder))
  }
}

/** The names of the adapters that a module at `base` could load. */
function installedNames(base: Base): readonly string[] {
  return modulesAbove(base).flatMap((modules) =>
    ['@sess', ''].flatMap((scope) => list(join(modules, scope)).flatMap((entry) => nameOf(scope, entry) ?? [])),
  )
}

function list(folder: string): readonly string[] {
  try {
    return process.getBuiltinModule('node:fs').readdirSync(folder)
  } catch {
    return []
  }
}
