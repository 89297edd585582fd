import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { CoreOptions, CookieOptions, ErrorCode } from '@sess/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ANY_PORT } from './support/any-port.ts'
import { problemOf, scriptProblem } from './support/command.ts'
import { allDocuments, type Block, Document, isFile, ROOT } from './support/document.ts'
import { compile, workspace } from './support/workspace.ts'
import type { Installation } from '../../packages/core/test/support/installation.ts'

const documents = allDocuments()

/** The code around a fragment, by the block's use. A block without a use is a whole module. */
const SURROUNDINGS: Readonly<Record<string, readonly [before: string, after: string]>> = {
  '': ['', ''],
  adapter: ['', ''],
  session: [
    `import { sessions, type Session, type Sessions } from '@sess/core'
interface Visitor { user: string; cart: string[]; notice: string }
export async function handle(session: Session<Visitor>, sess: Sessions<Visitor>): Promise<void> {\n`,
    '\n}',
  ],
  owners: [
    `import type { IncomingMessage } from 'node:http'
import type { Session, Sessions } from '@sess/core'
interface Visitor { userId: number; device: string }
interface Given {
  session: Session<Visitor>; sess: Sessions<Visitor>; req: IncomingMessage; user: { id: number }; form: URLSearchParams
  socket: { close(): void }; redirect(location: string): void
}
export async function handle({ session, sess, req, user, form, socket, redirect }: Given): Promise<void> {\n`,
    '\n}',
  ],
}

function blocksOf(language: string): readonly { document: Document; block: Block; place: string }[] {
  return documents.flatMap((document) =>
    document.blocks
      .filter((block) => block.language === language)
      .map((block) => ({ document, block, place: `${document.path}:${block.line}` })),
  )
}

/** The tests of an application choose its store. A page shows one. */
const withoutStore = (text: string): string =>
  text
    .replaceAll(/^(?:import \w+ from '@sess\/adapter-\w+'|const secret = process.env.SESSION_SECRET\n)\n/gm, '')
    .replaceAll(/(?<=^(?:export )?const (?:sess|stored)\b[^=]*=).*?(?:\n\n|\n?$(?!\n))/gms, '')
    .trim()

const folderOf = (place: string) => place.replaceAll(/[^\w:]/g, '_')

describe('every page', () => {
  it.each(documents.map((document) => [document.path, document] as const))(
    '%s labels its blocks of code with a language and a use that are tested',
    (_path, { blocks }) => {
      const uses = Object.keys(SURROUNDINGS).map((use) => `ts ${use}`.trim())
      const known = new Set([
        'sh',
        'mermaid',
        'text',
        'text output',
        'yaml services',
        'dockerfile',
        'nginx location',
        'caddyfile',
        ...uses,
      ])
      const labels = blocks.filter((block) => !isFile(block)).map(({ language, use }) => `${language} ${use}`.trim())
      expect(labels.filter((label) => !known.has(label))).toEqual([])
    },
  )

  it.each(documents.map((document) => [document.path, document] as const))(
    '%s links to pages and headings that exist',
    (_path, document) => expect(document.brokenLinks()).toEqual([]),
  )

  it.each(documents.map((document) => [document.path, document] as const))(
    '%s names scripts that exist',
    (_path, { text }) => {
      const names = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name)
      expect(names.map((name) => scriptProblem(name)).filter((problem) => problem !== undefined)).toEqual([])
    },
  )

  it.each(documents.map((document) => [document.path, document] as const))(
    '%s shows only components and templates that an application of tests/frameworks has',
    (_path, document) => {
      const shown = document.blocks.filter(({ use }) => /\.(?:astro|svelte|tsx|vue)$/.test(use))
      const absent = shown.filter((block) => document.applicationFile(block) === undefined)
      expect(absent.map(({ use }) => use)).toEqual([])
    },
  )

  it('compiles: every block of TypeScript', async () => {
    const fragments = blocksOf('ts').filter(({ block }) => !isFile(block))
    const modules = fragments.map(({ block, place }) => {
      const [before = '', after = ''] = SURROUNDINGS[block.use] ?? []
      return [`${folderOf(place).replace(':', '_line_')}.ts`, before + block.text + after] as const
    })
    const files = documents.flatMap((document) =>
      document.blocks
        .filter((block) => isFile(block) && block.use.endsWith('.ts') && document.applicationFile(block) === undefined)
        .map(({ use }) => [`${folderOf(document.path)}/${use}`, document.files[use] ?? ''] as const),
    )
    expect(modules.length).toBeGreaterThan(8)
    // That library gives `request.session` its own type, wherever it is imported.
    const isApart = ([, text]: readonly [string, string]) => /^import .* from '@fastify\/session'$/m.test(text)
    const all = [...modules, ...files]
    for (const lot of [all.filter(isApart), all.filter((each) => !isApart(each))])
      expect(await compile(workspace(), Object.fromEntries(lot))).toBe('')
  })

  it('shows an application of tests/frameworks as it is, except for the store', () => {
    const shown = documents.flatMap((document) =>
      document.blocks.filter(isFile).map((block) => ({
        place: `${document.path}: ${block.use}`,
        text: block.text,
        file: document.applicationFile(block),
      })),
    )
    const ofApplications = shown.filter(({ file }) => file !== undefined)
    expect(ofApplications.length).toBeGreaterThan(0)
    const differ = ofApplications.filter(({ text, file = '' }) => !withoutStore(file).includes(withoutStore(text)))
    expect(differ.map(({ place }) => place)).toEqual([])
  })

  it('rejects a wrong option: the test before this one can fail', async () => {
    const wrong = `import { sessions, type Sessions } from '@sess/core'
export const sess: Sessions<{ user: string }> = sessions('memory', { secret: 'x', maxEntry: 1 })`
    expect(await compile(workspace(), { 'wrong.ts': wrong })).toContain('maxEntry')
  })

  it.each(blocksOf('sh').map(({ block, place, document }) => [place, block, document] as const))(
    '%s: every line of shell is a command that works here',
    (_place, block, document) => {
      const isRun = (line: string) => runnable(document).includes(line)
      const problems = block.text
        .split('\n')
        .filter((line) => !isRun(line))
        .map(problemOf)
      expect(problems.filter((problem) => problem !== undefined)).toEqual([])
    },
  )

  const layouts = blocksOf('text').filter(({ block }) => block.use === '')
  it.each(layouts.map(({ block, place }) => [place, block] as const))(
    '%s: every line names a file or folder that exists',
    (_place, { text }) => {
      const paths = text.split('\n').map((line) => line.split(' ')[0] ?? '')
      expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    },
  )
})

/** The tests in tests/runtimes, or in the page's package, run every command of these pages. */
const RUN_ELSEWHERE = new Set([
  ...['docker', 'jest', 'serverless', 'single-executable'].map((name) => `docs/guide/${name}.md`),
  'packages/cli/README.md',
])

/** The shell commands of a page that are run: those that make a secret and start the server of its `js server.mjs`, or all. */
function runnable({ path, blocks }: Document): readonly string[] {
  if (RUN_ELSEWHERE.has(path))
    return blocks.filter(({ language }) => language === 'sh').flatMap(({ text }) => text.split('\n'))
  const index = blocks.findIndex(({ use }) => use === 'server.mjs')
  const commands = index < 0 ? undefined : blocks[index + 1]
  return commands?.language === 'sh' ? commands.text.split('\n') : []
}

/** Runs a shell command, at most until the test ends. Resolves with its output when that matches `awaited`, or else at its end. */
async function shell(at: Installation, line: string, awaited?: RegExp): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: `--import=${ANY_PORT}`, NODE_ENV: '' }
  const child = spawn(line, { cwd: at.path, shell: true, detached: true, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  onTestFinished(async () => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    await closed
  })
  let output = ''
  for await (const text of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    output += text
    if (awaited?.test(output)) return output
  }
  await closed
  if (awaited) throw new Error(`${line} ended: ${output}`)
  return output
}

describe('the ten lines', () => {
  const pages = blocksOf('js')
    .filter(({ block }) => block.use === 'server.mjs')
    .map(({ document }) => document)

  it('are on the pages that a newcomer sees first', () => {
    expect(pages.map(({ path }) => path)).toEqual(['README.md', 'packages/core/README.md'])
  })

  it.each(pages.map((page) => [page.path, page] as const))('of %s run, and count', async (_path, page) => {
    const at = workspace()
    at.write({ 'server.mjs': page.blocks.find(({ use }) => use === 'server.mjs')?.text ?? '' })
    const [makeSecret = '', start = ''] = runnable(page)
    await shell(at, makeSecret)
    const port = /port (\d+)/.exec(await shell(at, start, /port \d+\n/))?.[1]
    const address = `http://127.0.0.1:${port}`
    const first = await fetch(address)
    const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const second = await fetch(address, { headers: { cookie } })
    const other = await fetch(`${address}/favicon.ico`, { headers: { cookie } })
    expect([await first.text(), await second.text()]).toEqual(['Visit number 1\n', 'Visit number 2\n'])
    expect([other.status, other.headers.getSetCookie()]).toEqual([404, []])
  })

  it('are no more than ten', () => {
    const [block] = blocksOf('js')
    expect(block?.block.text.split('\n').filter((line) => line !== '').length).toBeLessThanOrEqual(10)
  })
})

describe('the adapter that is written on the page', () => {
  const adapter = () => blocksOf('ts').find(({ block }) => block.use === 'adapter')?.block.text ?? ''

  it('keeps sessions', async () => {
    const at = workspace()
    const use = `import { sessions } from '@sess/core'
      import map from './map.js'
      const sess = sessions(map, { secret: 'a secret of the tests, of 32 bytes or more' })
      let cookie: string | undefined
      async function visit(): Promise<unknown> {
        const exchange = sess.exchange(cookie)
        const session = await exchange.open()
        const visits = session.update('visits', (n) => Number(n ?? 0) + 1)
        const sent = (await exchange.commit(200)).find(([name]) => name === 'set-cookie')
        cookie ??= sent?.[1].split(';')[0]
        return visits
      }
      console.log(await visit(), ...(await Promise.all([visit(), visit(), visit()])), await visit())
      await sess.close()`
    expect(await compile(at, { 'map.ts': adapter(), 'use.ts': use })).toBe('')
    expect(await at.node(['out/use.js'])).toEqual({ failed: false, stdout: '1 2 2 2 5', stderr: '' })
  })

  it('overwrites no existing entry, and prunes what has expired', async () => {
    const at = workspace()
    const use = `import { createAdapterContext } from '@sess/core/adapter'
      import map from './map.js'
      const store = map({}, createAdapterContext({ secret: 'a secret of the tests, of 32 bytes or more' }))
      if (store.kind !== 'server') throw new Error('expected a server store')
      const first = await store.create('key', { data: 'a', expiresAt: 1000 })
      const taken = await store.create('key', { data: 'b', expiresAt: 2000 })
      await store.update('key', { data: 'c', expiresAt: 3000 }, first ?? '')
      const stale = await store.update('key', { data: 'd', expiresAt: 4000 }, first ?? '')
      console.log(taken, stale, (await store.read('key'))?.data)
      console.log(await store.prune?.(2999), await store.prune?.(3000), await store.read('key'))`
    expect(await compile(at, { 'map.ts': adapter(), 'use.ts': use })).toBe('')
    expect(await at.node(['out/use.js'])).toMatchObject({ stdout: 'null null c\n0 1 null', stderr: '' })
  })

  it('has its options checked by name', async () => {
    const use = `import { sessions, type Sessions } from '@sess/core'
      import type {} from './map.js'
      export const sess: Sessions<{ user: string }> = sessions('map', { secret: undefined, maxByte: 1 })`
    expect(await compile(workspace(), { 'map.ts': adapter(), 'use.ts': use })).toContain("'maxByte' does not exist")
  })
})

describe('the tables', () => {
  it('have every code of an error', () => {
    const codes = {
      INVALID_OPTION: true,
      ADAPTER_NAME: true,
      ADAPTER_NOT_FOUND: true,
      ADAPTER_LOAD_FAILED: true,
      ADAPTER_INVALID: true,
      DISABLED: true,
      INVALID_REQUEST: true,
      INVALID_VALUE: true,
      RESERVED_KEY: true,
      TOO_LARGE: true,
      SEALED: true,
      READ_ONLY: true,
      CONFLICT: true,
      UNAVAILABLE: true,
      CORRUPT: true,
      CLOSED: true,
    } satisfies Record<ErrorCode, true>
    expect(new Document('docs/guide/errors.md').rows).toEqual(['code', ...Object.keys(codes)])
  })

  it('have every option of core', () => {
    const options = {
      secret: true,
      idleTimeout: true,
      absoluteTimeout: true,
      owner: true,
      maxPerOwner: true,
      migrate: true,
      schema: true,
      remember: true,
      onConflict: true,
      from: true,
      accept: true,
      onError: true,
      clock: true,
    } satisfies Record<Exclude<keyof CoreOptions, 'cookie'>, true>
    const cookie = {
      name: true,
      secure: true,
      sameSite: true,
      domain: true,
      path: true,
      partitioned: true,
      persistent: true,
      prefix: true,
    } satisfies Record<keyof CookieOptions, true>
    const names = [...Object.keys(options), ...Object.keys(cookie).map((name) => `cookie.${name}`)]
    expect(new Document('docs/guide/configuration.md').rows).toEqual(names)
  })

  it('state how much the cookie store can hold', async () => {
    const at = workspace().write({
      'size.mjs': `import cookie from '@sess/adapter-cookie'
        import { createAdapterContext } from '@sess/core/adapter'
        console.log(cookie({}, createAdapterContext({ secret: 'x'.repeat(32) })).maxBytes)`,
    })
    const { stdout } = await at.node(['size.mjs'])
    // About 50 of these bytes are the session's metadata.
    expect(Math.floor((Number(stdout) - 50) / 100) / 10).toBe(2.9)
    expect(new Document('README.md').prose).toContain('about 2.9 kB')
  })
})
