import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url))

/** A fenced block of code. */
export interface Block {
  readonly language: string
  /** The word after the language, by which a test knows what to do with the block. */
  readonly use: string
  readonly text: string
  /** Of the opening fence. */
  readonly line: number
}

/** A page in Markdown. */
export class Document {
  /** From the root of the repository. */
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

  /** The first cells of the rows of every table, where they are code. */
  get rows(): readonly string[] {
    return [...this.prose.matchAll(/^\| `([^`]+)` /gm)].map(([, cell]) => cell ?? '')
  }

  /**
   * The files that the page shows, by name: blocks whose use is a file's name. What a page builds up in several blocks
   * is one file, in order.
   */
  get files(): Readonly<Record<string, string>> {
    const files: Record<string, string> = {}
    for (const { use, text } of this.blocks.filter(isFile))
      files[use] = files[use] === undefined ? `${text}\n` : `${files[use]}\n${text}\n`
    return files
  }

  /** The links that lead nowhere. Those to other sites are not followed. */
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

  /** As GitHub makes them of the headings. */
  get #anchors(): readonly string[] {
    return [...this.prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )
  }
}

export const isFile = ({ use }: Block): boolean => /^[\w./-]+\.[a-z]+$/.test(use)

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

/** Every page of the repository that people wrote. */
export function allDocuments(folder = '.'): readonly Document[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return /^(node_modules|dist|\..*)$/.test(entry.name) ? [] : allDocuments(path)
    return entry.name.endsWith('.md') && entry.name !== 'CHANGELOG.md' ? [new Document(path)] : []
  })
}
