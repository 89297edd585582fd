import nodeModule from 'node:module'
import { isError, safeCause, SessError } from '@sess/core/adapter'
import Database from 'better-sqlite3'
import satisfies from 'semver/functions/satisfies.js'

interface Manifest {
  readonly version: string
  readonly engines?: { readonly node?: string }
}

/** Loads the binary of better-sqlite3 by opening a database. Throws `ADAPTER_LOAD_FAILED`. */
export function loadBinding(): void {
  const { version, engines } = manifest()
  const { node } = process.versions
  const range = engines?.node ?? '*'
  // This check comes first: on a Node that it does not support, better-sqlite3 may crash the process with a
  // segmentation fault.
  if (!satisfies(node, range, { includePrerelease: true })) {
    throw new SessError(
      'ADAPTER_LOAD_FAILED',
      `The sqlite store needs better-sqlite3. The installed version ${version} is for Node ${range}, not for Node ${node}. ` +
        'Install the version for it: 12 for Node 20, 13 for Node 22 and later. npm does when you install again; ' +
        'with pnpm, run pnpm add better-sqlite3@12 (or 13); with Yarn, set it in the resolutions of package.json.',
    )
  }
  try {
    new Database(':memory:').close()
  } catch (error) {
    throw new SessError(
      'ADAPTER_LOAD_FAILED',
      `The sqlite store needs better-sqlite3. The installed version ${version} could not be loaded: ${reason(error)}.`,
      { cause: safeCause(error) },
    )
  }
}

/** The manifest of better-sqlite3. A bundle may not have it. */
function manifest(): Manifest {
  try {
    return nodeModule.createRequire(import.meta.url)('better-sqlite3/package.json') as Manifest
  } catch {
    return { version: '(unknown)' }
  }
}

function reason(error: unknown): string {
  const message = isError(error) ? error.message : ''
  if (message.includes('Could not locate the bindings file')) {
    return (
      'its binary is missing, because the package manager did not run its install script. Allow the script, then build: ' +
      'npm install-scripts approve better-sqlite3 && npm rebuild better-sqlite3; or pnpm approve-builds; or, with Yarn, ' +
      '"dependenciesMeta": { "better-sqlite3": { "built": true } } in package.json and yarn install; ' +
      'on Node 22 and later, better-sqlite3 13 needs no script'
    )
  }
  if (message.includes('NODE_MODULE_VERSION')) {
    return 'its binary was built for another version of Node. Build it for this one: npm rebuild better-sqlite3'
  }
  return 'see the cause of this error'
}
