import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { Document, ROOT } from './support/document.ts'
import { PageProgram } from './support/page-program.ts'
import { Visitor } from './support/visitor.ts'
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

/** The page's program with tokens, on these stores. */
const STORES = ['memory', 'redis', 'cookie'] as const
const withTokens = new Map<string, PageProgram>()
let redis: Redis

/** The program on another store than its own. */
const onStore = (store: string, text = ''): string =>
  store === 'redis' ? text : text.replace("'redis'", `'${store}'`).replace(/^ {2}url: .*\n/m, '')

beforeAll(async () => {
  const modules = {
    ...page.files,
    'fetch.ts': `import { isSameOrigin } from './same-origin.js'
      export const withFetch = (request: Request): boolean => ${WITH_FETCH}`,
    ...Object.fromEntries(STORES.map((store) => [`on-${store}.ts`, onStore(store, page.files['with-token.ts'])])),
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
  redis = await startRedis()
  const env = { SESSION_SECRET: 'a secret of 32 bytes or more: tests', REDIS_URL: redis.url }
  program = await PageProgram.start(at, 'out/server.js', env)
  for (const store of STORES) withTokens.set(store, await PageProgram.start(at, `out/on-${store}.js`, env))
}, PATIENCE)

afterAll(async () => {
  await Promise.all([program, ...withTokens.values()].map((each) => each?.stop()))
  await redis?.stop()
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

/** Visitors of the program with a token. */
function visitorsOf(store: string) {
  const originOf = () => withTokens.get(store)?.origin ?? ''
  const visit = (cookie?: string) => new Visitor(originOf(), cookie)
  /** The token of the form that this visitor is shown. */
  const tokenFor = async (visitor: Visitor): Promise<string> =>
    /value="([\w-]{43})"/.exec((await visitor.get('/')).text)?.[1] ?? expect.unreachable()
  const nameOf = async (visitor: Visitor) => /^Hello, (\w+)\./.exec((await visitor.get('/')).text)?.[1]
  /** A visitor who is logged in, and whose session has no token. */
  async function loggedIn(): Promise<Visitor> {
    const visitor = visit()
    await visitor.post('/login', { csrf: await tokenFor(visitor) })
    return visitor
  }
  return { originOf, visit, tokenFor, nameOf, loggedIn }
}

describe.each(STORES)('the program with a token, on the %s store', (store) => {
  const { originOf, visit, tokenFor, nameOf } = visitorsOf(store)

  test('lets a form in that repeats the token, which a reload leaves as it is', async () => {
    const visitor = visit()
    const token = await tokenFor(visitor)
    expect(await tokenFor(visitor)).toBe(token)
    expect((await visitor.post('/login', { csrf: token })).status).toBe(303)
    expect(await nameOf(visitor)).toBe('ada')
  })

  test('lets a fetch in that repeats it in a header', async () => {
    const visitor = visit()
    const headers = { 'x-csrf-token': await tokenFor(visitor), cookie: visitor.cookie }
    expect((await fetch(`${originOf()}/login`, { method: 'POST', headers, redirect: 'manual' })).status).toBe(303)
  })

  test('refuses a form without it, with another visitor’s, and with nearly it', async () => {
    const [visitor, other] = [visit(), visit()]
    const token = await tokenFor(visitor)
    const nearly = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
    const forms = [{}, { csrf: '' }, { csrf: await tokenFor(other) }, { csrf: nearly }, { csrf: `${token}A` }]
    for (const form of forms) expect((await visitor.post('/login', form)).status).toBe(403)
    expect(await nameOf(visitor)).toBe('stranger')
  })

  test('refuses every form of a visitor without a session', async () => {
    for (const form of [{}, { csrf: '' }]) expect((await visit().post('/login', form)).status).toBe(403)
  })

  test('renews it at a login', async () => {
    const visitor = visit()
    const before = await tokenFor(visitor)
    await visitor.post('/login', { csrf: before })
    expect((await visitor.post('/login', { csrf: before })).status).toBe(403)
    const after = await tokenFor(visitor)
    expect(after).not.toBe(before)
    expect((await visitor.post('/login', { csrf: after })).status).toBe(303)
  })

  test('gives two tabs without a cookie two sessions, and the form of the one that the browser keeps works', async () => {
    const [lost, kept] = [visit(), visit()]
    const tokens = [await tokenFor(lost), await tokenFor(kept)]
    expect((await kept.post('/login', { csrf: tokens[0] ?? '' })).status).toBe(403)
    expect((await kept.post('/login', { csrf: tokens[1] ?? '' })).status).toBe(303)
  })
})

test.each(['memory', 'redis'])('two tabs at once get the same token, on the %s store', async (store) => {
  const { visit, tokenFor, loggedIn } = visitorsOf(store)
  for (let round = 0; round < 10; round++) {
    const visitor = await loggedIn()
    const tabs = [visit(visitor.cookie), visit(visitor.cookie)]
    const [one, other] = await Promise.all(tabs.map(tokenFor))
    expect(one).toBe(other)
    expect((await visitor.post('/login', { csrf: one ?? '' })).status).toBe(303)
  }
})

test('two tabs at once get two tokens on the cookie store, and the last response wins', async () => {
  const { visit, tokenFor, loggedIn } = visitorsOf('cookie')
  const { cookie } = await loggedIn()
  const [first, last] = [visit(cookie), visit(cookie)]
  const tokens = [await tokenFor(first), await tokenFor(last)]
  expect((await last.post('/login', { csrf: tokens[0] ?? '' })).status).toBe(403)
  expect((await last.post('/login', { csrf: tokens[1] ?? '' })).status).toBe(303)
})
