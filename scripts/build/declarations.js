import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** What declarations import of their own package. */
const IMPORT = /(\bfrom |\bimport\()(['"])(\.{1,2}\/[^'"]+)\.js\2/g

/** A declaration of something that exists at run time, or an export of one. */
const VALUE = /^export (?:declare (?:abstract |const |class |function |let |enum )|default |\* |\{(?! *\}))/m

/**
 * Removes the declarations that no entry needs, and gives the others a copy that TypeScript reads as one of CommonJS.
 *
 * @param {readonly string[]} entries
 */
export function finishDeclarations(entries) {
  const needed = new Set(entries.map((name) => join('dist', name)))
  // A set goes on with what is added to it.
  for (const module of needed) {
    const text = readFileSync(`${module}.d.ts`, 'utf8')
    const imported = [...text.matchAll(IMPORT)].map(([, , , path = '']) => join(dirname(module), path))
    for (const path of imported) needed.add(path)
    const isShared = imported.length === 0 && !VALUE.test(text)
    writeFileSync(`${module}.d.cts`, isShared ? shared(basename(module)) : text.replaceAll(IMPORT, '$1$2$3.cjs$2'))
  }
  for (const path of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
    const [, module] = /^(.+)\.d\.ts$/.exec(path) ?? []
    if (module !== undefined && !needed.has(join('dist', module))) rmSync(join('dist', path))
  }
}

/**
 * Types that need no others have one declaration for both formats: an adapter that adds its options to core's `Adapters`
 * adds them for ES modules and CommonJS alike.
 *
 * @param {string} name
 */
const shared = (name) => `export type * from './${name}.js' with { 'resolution-mode': 'import' }\n`
