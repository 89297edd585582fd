import { expect } from 'vitest'
import { type Block, Document } from '../../../../docs/test/support/document.ts'

/** The code blocks of a page, by their heading. */
export function sectionsOf(path: string): ReadonlyMap<string, readonly Block[]> {
  const { text, blocks } = new Document(path)
  const lines = text.split('\n')
  const sections = new Map<string, Block[]>()
  for (const block of blocks) {
    const heading = lines.slice(0, block.line).findLast((line) => line.startsWith('#')) ?? ''
    const title = heading.replace(/^#+ /, '')
    sections.set(title, [...(sections.get(title) ?? []), block])
  }
  return sections
}

/** The program outputs that a section shows. */
export function outputsOf(section: readonly Block[] = []): readonly string[] {
  return section.filter(({ language, use }) => language === 'text' && use === 'output').map(({ text }) => text)
}

/** Asserts that the output matches what the page shows, where a line `…` stands for any number of lines. */
export function expectShown(shown: string | undefined, output: string): void {
  const text = `\n${output.replaceAll(/ +$/gm, '').replaceAll(/^\n+|\n+$/g, '')}\n`
  const [first = '', ...others] = `\n${shown}\n`.split('\n…\n')
  const last = others.at(-1)
  let at = text.startsWith(first) ? first.length : -1
  for (const part of others) {
    if (at < 0) break
    const found = text.indexOf(`\n${part}`, at)
    at = found < 0 ? -1 : found + part.length + 1
  }
  const isWhole = last === undefined ? text === first : text.endsWith(`\n${last}`)
  expect(at >= 0 && isWhole, `${text}\ndiffers from what the page shows:\n${shown}`).toBe(true)
}
