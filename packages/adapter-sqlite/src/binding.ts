import { createRequire } from 'node:module'
import { safeCause, SessError } from '@sess/core/adapter'
import Database from 'better-sqlite3'
import satisfies from 'semver/functions/satisfies.js'

const require = createRequire(import.meta.url)

interface Manifest {
  readonly version: string
  readonly engines?: { readonly node?: string }
}

/** Loads the binary of better-sqlite3, which its first use does. Throws `ADAPTER_LOAD_FAILED`. */
export function loadBinding(): void {
  // As npm has it of every package.
  const { version, engines } = require('better-sqlite3/package.json') as Manifest
  const { node } = process.versions
  const range = engines?.node ?? '*'
  // Asked first: on a Node that it is not made for, the process may die of a segmentation fault.
  if (!satisfies(node, range, { includePrerelease: true })) {
    throw new SessError(
      'ADAPTER_LOAD_FAILED',
      `The sqlite store needs better-sqlite3, and ${version}, which is installed, is not for Node ${node}, but for ${range}. ` +
        'Install again with this Node, or the version that goes with it: 12 for Node 20, 13 for Node 22 and later.',
    )
  }
  try {
    new Database(':memory:').close()
  } catch (error) {
    throw new SessError(
      'ADAPTER_LOAD_FAILED',
      `The sqlite store needs better-sqlite3, and ${version}, which is installed, could not be loaded: ${reason(error)}.`,
      { cause: safeCause(error) },
    )
  }
}

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  if (message.includes('Could not locate the bindings file')) {
    return (
      'its binary is missing, since the package manager did not run its install script. Allow that, and build it: ' +
      'npm install-scripts approve better-sqlite3 && npm rebuild better-sqlite3, or pnpm approve-builds; ' +
      'on Node 22 and later, better-sqlite3 13 needs no script'
    )
  }
  if (message.includes('NODE_MODULE_VERSION')) {
    return 'its binary was built for another version of Node. Build it with this one: npm rebuild better-sqlite3'
  }
  return 'the cause of this error says why'
}
