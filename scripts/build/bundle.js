import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { manifestIn } from './manifest.js'

/**
 * Writes a module for each entry, and `shared` for what entries have in common: an import reads one or two files.
 *
 * @param {'es' | 'cjs'} format
 * @param {readonly string[]} entries
 * @param {import('./manifest.js').Manifest} manifest
 */
export async function bundle(format, entries, { name, version, dependencies = {}, peerDependencies = {} }) {
  const file = `[name].${format === 'es' ? 'js' : 'cjs'}`
  // What an installation brings is imported. Any other package, a development dependency, becomes part of the bundle.
  const installed = Object.keys({ ...dependencies, ...peerDependencies }).map((other) => new RegExp(`^${other}(?:/|$)`))
  const built = await rolldown({
    input: Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`])),
    platform: 'node',
    external: installed,
    transform: { define: { PACKAGE_ID: JSON.stringify(`${name}@${version}`) } },
    onLog(level, { message }) {
      throw new Error(`rolldown, ${level}: ${message}`)
    },
  })
  const { output } = await built.write({
    dir: 'dist',
    format,
    exports: 'named',
    entryFileNames: file,
    chunkFileNames: file,
    codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] },
    comments: { legal: true, annotation: true, jsdoc: false },
  })
  await built.close()
  writeNotices(output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : [])))
}

/**
 * Writes the licences of what became part of the bundle: they ask for that.
 *
 * @param {readonly string[]} modules
 */
function writeNotices(modules) {
  const folders = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))
  const notices = [...folders].map((folder) => {
    const { name, version } = manifestIn(folder)
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(?:\.|$)/i.test(entry))
    if (file === undefined) throw new Error(`${name} has no licence to copy.`)
    return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
  })
  if (notices.length === 0) return
  writeFileSync('dist/third-party-licenses.txt', notices.toSorted().join(`\n${'-'.repeat(80)}\n\n`))
}
