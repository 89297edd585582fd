import { describe, expect, it } from 'vitest'
import { allDocuments, Document } from './support/document.ts'

const glossary = new Document('docs/glossary.md')
const others = allDocuments().filter(({ path }) => path !== glossary.path)

const lines = glossary.prose.split('\n').filter((line) => line.startsWith('- '))
const terms = lines.map((line) => [/^- \*\*`?(.+?)`?\*\*: /.exec(line)?.[1] ?? '', line] as const)

/** Only the letters: the order ignores case and punctuation. */
const letters = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]/g, '')

describe('the glossary', () => {
  it('is sorted, and has each term once', () => {
    const names = terms.map(([term]) => letters(term))
    expect(names).toEqual([...new Set(names)].toSorted())
    expect(names.length).toBeGreaterThan(30)
  })

  it.each(terms)('has %s, which another page uses, and links to its page', (term, line) => {
    const word = new RegExp(`(?<![a-z])${term}`, 'i')
    expect(others.filter(({ text }) => word.test(text)).map(({ path }) => path)).not.toEqual([])
    expect(line).toMatch(/\. See \[.+\]\(.+\)\.$/)
  })
})
