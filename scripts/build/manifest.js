import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @typedef {{ types: string, default: string }} Target
 * @typedef {{ name: string, version: string, bin?: Record<string, string>,
 *   exports: Record<string, string | { default: Target }>, dependencies?: object, peerDependencies?: object }} Manifest
 */

/** @param {string} folder */
export const manifestIn = (folder) =>
  /** @type {Manifest} */ (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))

/**
 * The name of an entry in `src` and `dist`, if the file is one.
 *
 * @param {string} file
 */
const nameOf = (file) => /^\.\/dist\/(.+)\.js$/.exec(file)?.[1] ?? []

/**
 * The names of the entries: of those that are imported, and of those that are run.
 *
 * @param {Manifest} manifest
 */
export function entriesOf({ exports, bin = {} }) {
  const targets = Object.values(exports).flatMap((target) => (typeof target === 'string' ? [] : [target.default]))
  return {
    libraries: targets.flatMap((target) => nameOf(target.default)),
    commands: Object.values(bin).flatMap(nameOf),
  }
}
