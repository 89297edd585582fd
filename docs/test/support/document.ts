import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url))

/** A fenced block of code. */
export interface Block {
  readonly language: string
  /** The word after the language. It selects the test for the block. */
  readonly use: string
  readonly text: string
  /** The line number of the opening fence. */
  readonly line: number
}

/** A page in Markdown. */
export class Document {
  /** The path relative to the repository's root. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  /** The text without its blocks of code. */
  readonly prose: string

  constructor(path: string) {
    this.path = path
    this.text = readFileSync(join(ROOT, path), 'utf8')
    const { blocks, prose } = split(this.text)
    this.blocks = blocks
    this.prose = prose
  }

  /** The first cell of each table row, if it begins with code. */
  get rows(): readonly string[] {
    return [...this.prose.matchAll(/^\| `([^`]+)` /gm)].map(([, cell]) => cell ?? '')
  }

  /**
   * The files that the page shows, by name: blocks whose use is a file's name. Several blocks with the same name are
   * joined, in order.
   */
  get files(): Readonly<Record<string, string>> {
    const files: Record<string, string> = {}
    for (const { use, text } of this.blocks.filter(isFile))
      files[use] = files[use] === undefined ? `${text}\n` : `${files[use]}\n${text}\n`
    return files
  }

  /**
   * The text of the file that a block shows, in an application of `tests/frameworks/apps`, whose tests compile and run it: in
   * the one with the page's name, or in the one that the block's path begins with. `undefined`: it is in none.
   */
  applicationFile({ use }: Block): string | undefined {
    const apps = join(ROOT, 'tests/frameworks/apps')
    const path = [join(apps, basename(this.path, '.md'), use), join(apps, use)].find((each) => existsSync(each))
    return path === undefined ? undefined : readFileSync(path, 'utf8')
  }

  /** The links to pages or headings that do not exist. Links to other sites are not checked. */
  brokenLinks(): readonly string[] {
    const targets = [...this.prose.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target ?? '')
    return targets.filter((target) => !/^https?:/.test(target) && !this.#leadsSomewhere(target))
  }

  #leadsSomewhere(target: string): boolean {
    const [file = '', anchor] = target.split('#')
    const path = file === '' ? this.path : join(dirname(this.path), file)
    if (!existsSync(resolve(ROOT, path))) return false
    return anchor === undefined || new Document(path).#anchors.includes(anchor)
  }

  /** The anchors that GitHub makes from the headings, and those that the page itself sets. */
  get #anchors(): readonly string[] {
    const headings = [...this.prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )
    return headings.concat([...this.prose.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id))
  }
}

export const isFile = ({ use }: Block): boolean => /^[\w./+$[\]-]+\.[a-z]+$/.test(use)

function split(text: string): { blocks: Block[]; prose: string } {
  const blocks: Block[] = []
  const prose: string[] = []
  let open: { fence: string; language: string; use: string; line: number; lines: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence, info = ''] = /^\s*(`{3,}|~{3,})(.*)$/.exec(line) ?? []
    if (open === undefined) {
      if (fence === undefined) prose.push(line)
      else {
        const [language = '', ...use] = info.trim().split(' ')
        open = { fence, language, use: use.join(' '), line: index + 1, lines: [] }
      }
    } else if (fence === open.fence && info === '') {
      const { language, use, lines, line: start } = open
      blocks.push({ language, use, text: lines.join('\n'), line: start })
      open = undefined
    } else open.lines.push(line)
  }
  if (open !== undefined) throw new Error(`the block of line ${open.line} is not closed`)
  return { blocks, prose: prose.join('\n') }
}

/** Every Markdown page of the repository, except the changelogs. */
export function allDocuments(folder = '.'): readonly Document[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return /^(node_modules|dist|\..*)$/.test(entry.name) ? [] : allDocuments(path)
    return entry.name.endsWith('.md') && entry.name !== 'CHANGELOG.md' ? [new Document(path)] : []
  })
}
