import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Name } from './name.js'

export const TEMPLATES = ['memory', 'server', 'sql'] as const
export type Template = (typeof TEMPLATES)[number]

const FOLDER = fileURLToPath(new URL('../templates/', import.meta.url))

export function isTemplate(word: string): word is Template {
  return TEMPLATES.some((template) => template === word)
}

/** Writes a template's files into a new or empty folder. Throws before it writes anything if `folder` is neither. */
export function writeSkeleton(folder: string, template: Template, name: Name): void {
  if (!isFree(folder)) throw new Error(`${folder} exists and is not an empty folder.`)
  for (const [path, text] of [...filesOf('common'), ...filesOf(template)]) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, named(text, name), { flag: 'wx' })
  }
}

function isFree(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false })
  return found === undefined || (found.isDirectory() && readdirSync(folder).length === 0)
}

/** The files of a template: the path of each within the package, and its text. */
function filesOf(part: 'common' | Template): readonly (readonly [path: string, text: string])[] {
  const root = join(FOLDER, part)
  const entries = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return entries
    .filter((path) => statSync(join(root, path)).isFile())
    .map((path) => [
      // npm does not publish files named .gitignore.
      path === 'gitignore' ? '.gitignore' : path,
      readFileSync(join(root, path), 'utf8'),
    ])
}

/** Replaces the placeholders in one pass, since a name may itself contain the word `placeholder`. */
function named(text: string, name: Name): string {
  return text.replaceAll(/(sess-adapter-)?placeholder/g, (_, prefix) => (prefix ? name.package : name.adapter))
}
