import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { Document, ROOT } from './support/document.ts'
import { PageProgram } from './support/page-program.ts'
import { compile, workspace } from './support/workspace.ts'

/** Milliseconds for compiling and starting processes on a busy machine. */
const PATIENCE = 60_000

const page = new Document('docs/guide/cross-site-request-forgery.md')
const HOST = 'shop.example.com'
const WITH_FETCH = 'isSameOrigin(Object.fromEntries(request.headers))'

interface Row {
  readonly site: string | undefined
  /** Each of them gives the same result. */
  readonly origins: readonly (string | undefined)[]
  readonly passes: boolean
}

const cell = (text = '') => (text === 'absent' ? undefined : text.replaceAll('`', ''))

const cells = [...page.prose.matchAll(/^\| (`[a-z-]+`|absent) +\| (\S[^|]*?) +\| (yes|no) +\|/gm)]
const named = cells.map(([, , origin]) => cell(origin)).filter((origin) => origin !== 'any')

/** The page's table. */
const rows: readonly Row[] = cells.map(([, site, origin, passes]) => ({
  site: cell(site),
  origins: origin === 'any' ? [...named, ''] : [cell(origin)],
  passes: passes === 'yes',
}))

const cases = rows.flatMap(({ site, origins, passes }) => origins.map((origin) => ({ site, origin, passes })))

const headersOf = ({ site, origin }: (typeof cases)[number]): IncomingHttpHeaders => ({
  host: HOST,
  ...(site !== undefined && { 'sec-fetch-site': site }),
  ...(origin !== undefined && { origin }),
})

type Check = (headers: IncomingHttpHeaders) => boolean

/** The page's check with Node's headers and with those of a `Request`, and the check of the bookshelf example. */
const checks: Record<'node' | 'fetch' | 'bookshelf', Check> = {
  node: () => expect.unreachable(),
  fetch: () => expect.unreachable(),
  bookshelf: () => expect.unreachable(),
}

const at = new Installation()
let program: PageProgram

beforeAll(async () => {
  const modules = {
    ...page.files,
    'fetch.ts': `import { isSameOrigin } from './same-origin.js'
      export const withFetch = (request: Request): boolean => ${WITH_FETCH}`,
  }
  expect(await compile(workspace(at), modules)).toBe('')
  const load = (file: string) => import(pathToFileURL(file).href)
  const { isSameOrigin } = await load(at.at('out/same-origin.js'))
  const { withFetch } = await load(at.at('out/fetch.js'))
  const { assertSameOrigin } = await load(join(ROOT, 'examples/bookshelf/dist/form.js'))
  checks.node = isSameOrigin
  checks.fetch = (headers) =>
    withFetch(
      new Request(`https://${HOST}/`, {
        headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
      }),
    )
  checks.bookshelf = (headers) => {
    try {
      assertSameOrigin({ headers } satisfies Partial<IncomingMessage>)
      return true
    } catch (error) {
      expect(error).toMatchObject({ status: 403 })
      return false
    }
  }
  program = await PageProgram.start(at, 'out/server.js', { SESSION_SECRET: 'a secret of 32 bytes or more: tests' })
}, PATIENCE)

afterAll(async () => {
  await program?.stop()
  at.remove()
})

test('the page has a table, and shows the call for fetch', () => {
  expect(rows.length).toBeGreaterThan(10)
  expect(page.prose).toContain(WITH_FETCH)
})

describe.each(['node', 'fetch', 'bookshelf'] as const)('the check: %s', (name) => {
  test.each(cases)('Sec-Fetch-Site: $site, Origin: $origin: $passes', (request) => {
    expect(checks[name](headersOf(request))).toBe(request.passes)
  })
})

describe('the program', () => {
  const send = async (method: string, headers: Record<string, string>) => {
    const response = await fetch(program.origin, { method, headers })
    return { status: response.status, isLoggedIn: response.headers.has('set-cookie') }
  }

  test('logs in by a form of the same origin', async () => {
    expect(await send('POST', { 'sec-fetch-site': 'same-origin' })).toEqual({ status: 200, isLoggedIn: true })
    expect(await send('POST', { origin: program.origin })).toEqual({ status: 200, isLoggedIn: true })
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('refuses %s of another site, and stores nothing', async (method) => {
    expect(await send(method, { 'sec-fetch-site': 'cross-site' })).toEqual({ status: 403, isLoggedIn: false })
    expect(await send(method, { origin: 'https://evil.example' })).toEqual({ status: 403, isLoggedIn: false })
  })

  test('lets a link of another site be followed', async () => {
    expect(await send('GET', { 'sec-fetch-site': 'cross-site' })).toEqual({ status: 200, isLoggedIn: false })
  })
})
