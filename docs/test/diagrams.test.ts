import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Exchange, SessError, type Session, type Sessions, sessions } from '@sess/core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CountedStore } from '../../packages/core/test/support/counted-store.ts'
import { launchChromium } from '../../scripts/chromium.js'
import { allDocuments, type Block, Document } from './support/document.ts'

const mermaid = readFileSync(createRequire(import.meta.url).resolve('@mermaid-js/tiny'), 'utf8')

const diagramsOf = ({ blocks }: Document): readonly Block[] => blocks.filter(({ language }) => language === 'mermaid')

const diagrams = allDocuments().flatMap((document) =>
  diagramsOf(document).map((block) => [`${document.path}:${block.line}`, block.text] as const),
)

/** A folder for pictures of the diagrams, to look at. */
const pictures = process.env['SESS_PICTURES']

/** The width of a page's text on GitHub, in CSS pixels. */
const WIDTH = 830

/** What a reader cannot read: words that stick out of their box or the picture, or lie over others. Runs in the browser. */
const UNREADABLE = `(() => {
  const svg = document.querySelector('svg').getBoundingClientRect()
  const words = [...document.querySelectorAll('svg text, svg foreignObject span')].filter((one) => one.textContent.trim() !== '')
  const boxes = words.map((one) => ({ text: one.textContent.trim(), box: one.getBoundingClientRect() }))
  const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4
  const problems = []
  for (const [index, { text, box }] of boxes.entries()) {
    if (box.left < svg.left - 1 || box.right > svg.right + 1 || box.bottom > svg.bottom + 1) problems.push('outside: ' + text)
    for (const other of boxes.slice(index + 1)) if (over(box, other.box)) problems.push('over each other: ' + text + ' / ' + other.text)
  }
  for (const rect of document.querySelectorAll('svg rect.note, svg rect.actor')) {
    const { left, right } = rect.getBoundingClientRect()
    const words = rect.parentElement.querySelector('text').getBoundingClientRect()
    if (words.left < left || words.right > right) problems.push('out of its box: ' + rect.parentElement.textContent.trim())
  }
  return problems
})()`

describe('a diagram', () => {
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    browser = await launchChromium()
    page = await browser.newPage({ viewport: { width: WIDTH, height: 900 } })
    await page.addScriptTag({ content: mermaid })
  })
  afterAll(() => browser.close())

  async function draw(text: string, theme: string): Promise<void> {
    const drawing = `mermaid.initialize({ startOnLoad: false, theme: '${theme}' })
      mermaid.render('drawing', ${JSON.stringify(text)}).then(
        ({ svg }) => (document.body.innerHTML = svg),
        ({ message }) => { throw new Error(message) })`
    await page.evaluate(drawing)
    if (pictures !== undefined)
      await page.screenshot({ path: join(pictures, `${theme} ${text.length}.png`), fullPage: true })
  }

  it.each(diagrams)('%s can be drawn and read', async (_place, text) => {
    for (const theme of ['default', 'dark']) {
      await draw(text, theme)
      expect([theme, await page.evaluate(UNREADABLE)]).toEqual([theme, []])
    }
  })

  it('that is not one is refused', async () => {
    await expect(draw('sequenceDiagram\n  Browser->>', 'default')).rejects.toThrow('Parse error')
  })

  it('that cannot be read is refused', async () => {
    await page.setContent(`<svg width="99" height="99">
      <text x="9" y="20">one</text> <text x="12" y="20">two</text> <text x="80" y="40">outside</text>
      <g><rect class="note" y="60" width="20" height="30" /><text y="80">a long note</text></g></svg>`)
    const problems = ['over each other: one / two', 'outside: outside', 'out of its box: a long note']
    expect(await page.evaluate(UNREADABLE)).toEqual(problems)
  })
})

interface Visitor {
  user: string
  theme: string
  cart: string[]
}

/** A request of the one session, with the session opened. */
interface Opened {
  readonly exchange: Exchange<Visitor>
  readonly session: Session<Visitor>
}

interface Scene {
  readonly open: () => Promise<Opened>
}

/** Commits a request. Resolves with the status that its response has. */
async function statusOf({ exchange }: Opened): Promise<number> {
  try {
    await exchange.commit(200)
    return 200
  } catch (error) {
    if (error instanceof SessError) return error.status
    throw error
  }
}

/** The scenes in the order of a page's diagrams: each resolves with the statuses of its responses, in order. */
const SCENES: Readonly<Record<string, readonly ((scene: Scene) => Promise<readonly number[]>)[]>> = {
  'docs/guide/session.md': [
    async ({ open }) => {
      const one = await open()
      one.session.cart?.push('emma')
      return [await statusOf(one)]
    },
  ],
  'docs/guide/conflicts.md': [
    async ({ open }) => {
      const [a, b] = [await open(), await open()]
      a.session.theme = 'dark'
      b.session.cart = ['emma']
      return [await statusOf(a), await statusOf(b)]
    },
    async ({ open }) => {
      const [a, b] = [await open(), await open()]
      a.session.cart?.push('emma')
      b.session.cart?.push('persuasion')
      return [await statusOf(a), await statusOf(b)]
    },
    async ({ open }) => {
      const [late, login] = [await open(), await open()]
      login.session.regenerate()
      login.session.user = 'ada'
      const status = await statusOf(login)
      late.session.theme = 'dark'
      return [status, await statusOf(late)]
    },
  ],
}

/** The messages to the store in a sequence diagram, by their first words: the store's methods. */
const callsIn = (text: string) => [...text.matchAll(/->>Store: (\w+)/g)].map(([, call]) => call)
/** The statuses in a sequence diagram's notes. */
const statusesIn = (text: string) => [...text.matchAll(/^ *Note over \w+: (\d{3})\b/gm)].map(([, code]) => Number(code))

describe.each(Object.entries(SCENES))('the diagrams of %s', (path, scenes) => {
  const sequences = diagramsOf(new Document(path)).filter(({ text }) => text.startsWith('sequenceDiagram'))

  it('have a scene each', () => expect(sequences.length).toBe(scenes.length))

  it.each(sequences.map(({ line, text }, index) => [line, text, scenes[index]] as const))(
    'show what the session does: line %i',
    async (_line, text, scene) => {
      const store = new CountedStore()
      const sess: Sessions<Visitor> = sessions(store, { secret: 'a secret of the tests, of 32 bytes or more' })
      const first = sess.exchange(undefined)
      const begun = await first.open()
      begun.cart = []
      const headers = await first.commit(200)
      const cookie = headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0]
      store.take()
      const statuses = await scene?.({
        async open() {
          const exchange = sess.exchange(cookie)
          return { exchange, session: await exchange.open() }
        },
      })
      expect(store.take()).toEqual(callsIn(text))
      // The trip of one request ends with the page itself.
      expect(statuses).toEqual(statusesIn(text).length === 0 ? [200] : statusesIn(text))
    },
  )
})
