import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Document, ROOT } from './support/document.ts'
import { Installation } from '../../packages/core/test/support/installation.ts'

const page = new Document('SECURITY.md')

/** A test that the page names, by the titles of its groups and its own title, exactly as the file spells them. */
interface Citation {
  readonly titles: readonly string[]
  readonly path: string
}

const citations: readonly Citation[] = [...page.prose.matchAll(/\[([^\]]+)\]\(([^)#]+\.ts)\)/g)].map(
  ([, titles = '', path = '']) => ({ titles: titles.split(' › '), path }),
)

/** The list items that answer a requirement of the standard, by its number. */
const answers = [...page.prose.matchAll(/^- \*\*V(\d+\.\d+\.\d+)\*\* \(level (\d)\)\. (.+)$/gm)].map(
  ([, id = '', level = '', text = '']) => ({ id, level, text }),
)

/** Whether a file gives this title to a test, a group of tests or a clause, in single or double quotes. */
function hasTitle(path: string, title: string): boolean {
  const text = readFileSync(join(ROOT, path), 'utf8')
  return [`'${title}'`, `"${title}"`].some((quoted) => text.includes(`${quoted},`))
}

describe('the threat model', () => {
  const threats = page.text.split('## Threat model')[1]?.split('\n## ')[0]?.split('\n### ').slice(1) ?? []

  it.each(threats.map((threat) => [threat.split('\n')[0], threat] as const))(
    'says of an attacker who %s: the gain, what stops it, which tests show that, and what is left',
    (_, threat) => {
      const parts = [...threat.matchAll(/^- \*\*(.+?):\*\* \S/gm)].map(([, part]) => part)
      expect(parts).toEqual(['Gains', 'Stopped by', 'Shown by', 'Left'])
      expect(threat.split('**Shown by:**')[1]?.split('\n')[0]).toMatch(/\]\(\S+\.ts\)$/)
    },
  )

  it('knows of several attackers', () => expect(threats.length).toBeGreaterThan(10))
})

describe('every test that the page names', () => {
  it.each(citations.map((citation) => [citation.titles.join(' › '), citation] as const))(
    'is there: %s',
    (_, { titles, path }) => {
      expect(existsSync(join(ROOT, path))).toBe(true)
      expect(titles.filter((title) => !hasTitle(path, title))).toEqual([])
    },
  )
})

describe('the requirements of OWASP ASVS 5.0.0', () => {
  /** The levels of the requirements in each section, one digit per requirement. */
  const CHAPTER: Readonly<Record<string, string>> = {
    '7.1': '222',
    '7.2': '1111',
    '7.3': '22',
    '7.4': '11222',
    '7.5': '223',
    '7.6': '22',
    '3.3': '12223',
  }

  it('of chapter V7, and of section V3.3, are answered once each', () => {
    const expected = Object.entries(CHAPTER).flatMap(([section, levels]) =>
      [...levels].map((level, index) => `${section}.${index + 1} level ${level}`),
    )
    expect(answers.map(({ id, level }) => `${id} level ${level}`)).toEqual(expected)
  })

  it.each(answers.map(({ id, text }) => [id, text] as const))(
    'V%s is shown by a test, or the application’s own',
    (_, text) => {
      const [says, answer] = text.split('<br>')
      expect([says, answer]).toEqual([expect.stringMatching(/\.$/), expect.stringMatching(/\.$/)])
      expect(text).toMatch(/<br>The application's own\.|<br>Shown by: \[.*\]\(\S+\.ts\)\.$/)
    },
  )
})

describe('a generation in the account', () => {
  it.each(['cookie', 'memory'])('ends every session of an account, and no other, on the %s store', async (store) => {
    const block = page.blocks.find(({ language }) => language === 'ts')
    const module = block?.text.replace("'cookie'", `'${store}'`) ?? ''
    const use = `import { isLoggedIn, logIn, sess } from './account.mjs'
      const ada = { name: 'ada', generation: 1 }
      const eve = { name: 'eve', generation: 1 }
      async function begin(account) {
        const exchange = sess.exchange(undefined)
        logIn(await exchange.open(), account)
        const headers = await exchange.commit(200)
        return headers.find(([name]) => name === 'set-cookie')[1].split(';')[0]
      }
      const cookies = [await begin(ada), await begin(ada), await begin(eve)]
      const look = () => Promise.all(cookies.map(async (cookie, index) =>
        isLoggedIn(await sess.exchange(cookie).open(), index < 2 ? ada : eve)))
      console.log(await look())
      ada.generation += 1
      console.log(await look())
      await sess.close()`
    const at = Installation.forTest()
      .symlink(join(ROOT, 'node_modules'), 'node_modules')
      .write({ 'package.json': '{"type":"module"}', 'tsconfig.json': TSCONFIG, 'account.mts': module, 'use.mjs': use })
    await at.node([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', at.path])
    const { stdout, stderr } = await at.node(['--import', SECRET, 'use.mjs'])
    expect([stdout, stderr]).toEqual(['[ true, true, true ]\n[ false, false, true ]', ''])
  })
})

const TSCONFIG = JSON.stringify({
  compilerOptions: { target: 'es2023', module: 'nodenext', types: ['node'], skipLibCheck: true },
  include: ['account.mts'],
})

const SECRET = `data:text/javascript,process.env.SESSION_SECRET = ${encodeURIComponent("'x'.repeat(32)")}`
