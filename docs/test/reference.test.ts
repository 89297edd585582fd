import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Document, ROOT } from './support/document.ts'

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | { readonly default: { readonly types: string } }>>
}

interface EntryPoint {
  /** The specifier that an application imports. */
  readonly name: string
  readonly declarations: string
  readonly page: string
}

/** Every entry point of every package. `create-adapter` has none: it is a command. */
function entryPoints(): readonly EntryPoint[] {
  const folders = readdirSync(join(ROOT, 'packages')).filter((folder) => !folder.startsWith('create-'))
  return folders.flatMap((folder) => {
    const manifest: Manifest = JSON.parse(readFileSync(join(ROOT, 'packages', folder, 'package.json'), 'utf8'))
    return Object.entries(manifest.exports).flatMap(([path, target]) => {
      if (typeof target === 'string') return []
      const name = join(manifest.name, path)
      const page = `docs/reference/${name.replace('@sess/', '').replace('/', '.')}.md`
      return [{ name, declarations: join('packages', folder, target.default.types), page }]
    })
  })
}

/** The names that a file of declarations exports, both types and values. */
function exportedNames(path: string): readonly string[] {
  const text = readFileSync(join(ROOT, path), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '')
  const declared = text.matchAll(/^export (?:declare )?(?:type|interface|class|function|const) (\w+)/gm)
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(','))
  const names = [...declared]
    .map(([, name = '']) => name)
    .concat(listed.map((name) => name.replace(/^.* as |type /, '').trim()))
  const isDefault = /^export default /m.test(text)
  return [...new Set([...names.filter((name) => name !== ''), ...(isDefault ? ['default'] : [])])].toSorted()
}

/** The names that a page describes, or links to. */
function describedNames({ prose }: Document): readonly string[] {
  const headings = [...prose.matchAll(/^## ([^(\n]+)/gm)].map(([, heading = '']) => heading.replaceAll('\\', ''))
  const [others = ''] = /^It also exports .*$/m.exec(prose) ?? []
  return [...headings, ...[...others.matchAll(/\[(\w+)\]/g)].map(([, name = '']) => name)].toSorted()
}

describe('the reference', () => {
  it('has a page for each entry point, and its first page links to them all', () => {
    const links = [...new Document('docs/reference/README.md').prose.matchAll(/^- \[(.*)\]\((.*)\)$/gm)]
    const linked = links.map(([, name, page]) => `${name} ${page}`)
    expect(linked.toSorted()).toEqual(
      entryPoints()
        .map(({ name, page }) => `${name} ${page.replace('docs/reference/', '')}`)
        .toSorted(),
    )
  })

  it.each(entryPoints().map(({ name, declarations, page }) => [name, declarations, page] as const))(
    'describes what %s exports, and nothing else',
    (_name, declarations, page) => {
      const names = exportedNames(declarations)
      expect(names).not.toEqual([])
      expect(describedNames(new Document(page))).toEqual(names)
    },
  )
})
