import { describe, expect, it } from 'vitest'
import { Document, isFile } from '../../../docs/test/support/document.ts'
import { EntryServer } from './support/entry-server.ts'
import { Project } from './support/project.ts'
import { Worker } from './support/worker.ts'

const { blocks, prose } = new Document('docs/guide/workers.md')
const page = blocks.filter(isFile).map(({ use, text }) => [use, text] as const)
/** The page shows two Workers. Some files of the second have the same names as those of the first. */
const PAGE_COOKIE = Object.fromEntries(page.toReversed())
const PAGE_D1 = Object.fromEntries(page)

/** The first compatibility date that the page allows. */
const OLDEST = /must be (\d{4}-\d\d-\d\d) or later/.exec(prose)?.[1] ?? ''
const OLDEST_CONFIG = { 'wrangler.jsonc': PAGE_COOKIE['wrangler.jsonc']?.replace(/\d{4}-\d\d-\d\d/, OLDEST) ?? '' }

/** Each of its requests does one thing to the session in the store that it imports. */
const RACER = `import { sessions } from '@sess/core'
  import { env } from 'cloudflare:workers'
  import { store } from './store.js'
  const sess = sessions(store, { secret: env.SESSION_SECRET, onError() {} })
  const does = {
    '/begin': (session) => (session.begun = true),
    '/count': (session) => session.update('visits', (visits = 0) => visits + 1),
    '/login': (session) => {
      session.user = 'ada'
      session.regenerate()
    },
    '/logout': (session) => session.destroy(),
    '/see': () => {},
  }
  const handle = async (request) => {
    const session = await sess.open(request)
    does[new URL(request.url).pathname](session)
    return Response.json(session)
  }
  const answer = sess.fetch(handle)
  export default {
    fetch: (request) => answer(request).catch(({ status, message }) => new Response(message, { status })),
  }`

const HTTP_STORE = `import { env } from 'cloudflare:workers'
  import { serverStore, unavailable } from '@sess/core/adapter'
  const call = (method, key, headers, entry) =>
    fetch(env.BACKEND + '/' + key, { method, headers, body: entry && JSON.stringify(entry) })
  const put = async (key, headers, entry) => (await call('PUT', key, headers, entry)).headers.get('etag')
  export const store = serverStore({
    name: 'http',
    maxBytes: 2 ** 20,
    deadline: env.DEADLINE,
    create: (key, entry) => put(key, { 'if-none-match': '*' }, entry),
    update: (key, entry, version) => put(key, { 'if-match': version }, entry),
    async read(key) {
      const response = await call('GET', key)
      return response.status === 404 ? null : { ...(await response.json()), version: response.headers.get('etag') }
    },
    destroy: async (key) => void (await call('DELETE', key)),
    mapError: (error) => unavailable('http', Object.assign(error, { code: 'CONNECTION_LOST' })),
    async *prune() {},
    close() {},
  })`

const D1_STORE = `import { env } from 'cloudflare:workers'
  import { d1 } from './d1.js'
  export const store = d1(env.DB, env.DEADLINE)`

/** Serves a Worker, and statements for its database. */
const WITH_SQL = `import { env } from 'cloudflare:workers'
  import worker from './index.js'
  export default {
    ...worker,
    async fetch(request, ...rest) {
      const { pathname, searchParams } = new URL(request.url)
      if (pathname !== '/sql') return worker.fetch(request, ...rest)
      return Response.json((await env.DB.prepare(searchParams.get('run')).all()).results)
    },
  }`

const sql = (statement: string) => `/sql?run=${encodeURIComponent(statement)}`

/** How long the backend may take for a call. This machine may be busy with other tests. */
const PATIENT = 30_000

interface Raced {
  readonly worker: Worker
  /** The backend fails every call until it is mended. */
  readonly breakIt: () => Promise<unknown>
  readonly mend: () => Promise<unknown>
}

const STORES: readonly (readonly [string, (deadline: number) => Promise<Raced>])[] = [
  [
    'on D1, by the adapter of the page',
    async (deadline) => {
      const worker = await start(
        { ...PAGE_D1, 'src/index.js': RACER, 'src/store.js': D1_STORE },
        { DEADLINE: deadline },
      )
      const rename = (from: string, to: string) => worker.ask(sql(`ALTER TABLE sessions RENAME ${from} TO ${to}`))
      return { worker, breakIt: () => rename('data', 'gone'), mend: () => rename('gone', 'data') }
    },
  ],
  [
    'over fetch, on the oldest compatibility date',
    async (deadline) => {
      const { server, worker } = await startOverFetch(deadline)
      return { worker, breakIt: () => server.stop(), mend: () => server.start() }
    },
  ],
]

/** Starts a Worker, with access to its database if it has one. */
function start(files: Readonly<Record<string, string>>, variables: Readonly<Record<string, unknown>> = {}) {
  const { 'wrangler.jsonc': config = '' } = files
  const hasDatabase = config.includes('d1_databases')
  const project = Project.withPackages().write({
    ...files,
    'package.json': JSON.stringify({ type: 'module' }),
    ...(hasDatabase && {
      'src/with-sql.js': WITH_SQL,
      'wrangler.jsonc': config.replace('"src/index.js"', '"src/with-sql.js"'),
    }),
  })
  return Worker.start(project, variables)
}

async function startOverFetch(deadline: number) {
  const server = await EntryServer.start()
  const files = { ...OLDEST_CONFIG, 'src/index.js': RACER, 'src/store.js': HTTP_STORE }
  return { server, worker: await start(files, { BACKEND: server.url, DEADLINE: deadline }) }
}

/** Sends these requests at once. */
const askAll = (worker: Worker, cookie: string, paths: readonly string[]) =>
  Promise.all(paths.map((path) => worker.ask(path, cookie)))

const times = (count: number, path: string): readonly string[] => Array.from({ length: count }, () => path)
const statuses = (answers: readonly { readonly status: number }[]) => new Set(answers.map(({ status }) => status))

/** What the session holds. */
async function seen(worker: Worker, cookie: string): Promise<unknown> {
  return JSON.parse((await worker.ask('/see', cookie)).text)
}

describe('the Workers of docs/guide/workers.md', () => {
  it('keep a session in the cookie, with sessions() called at module scope', async () => {
    const worker = await start(PAGE_COOKIE)
    const cookie = await worker.cookieFrom('/')
    expect(await worker.ask('/', cookie)).toEqual({ status: 200, text: 'Visit number 2' })
  })

  it('keep a session in the cookie, with sessions() called in the first request', async () => {
    const { 'src/first-request.js': first = '' } = PAGE_COOKIE
    const worker = await start({ ...OLDEST_CONFIG, 'src/index.js': first })
    const cookie = await worker.cookieFrom('/')
    expect(await worker.ask('/', cookie)).toEqual({ status: 200, text: 'Visit number 2' })
  })

  it('keep a session on D1 until it has expired, and a cron trigger removes it', async () => {
    const worker = await start(PAGE_D1)
    const cookie = await worker.cookieFrom('/')
    expect(await worker.ask('/', cookie)).toEqual({ status: 200, text: 'Visit number 2' })
    await worker.cookieFrom('/')
    await worker.runCron()
    expect((await worker.ask(sql('SELECT count(*) AS sessions FROM sessions'))).text).toBe('[{"sessions":2}]')
    await worker.ask(sql('UPDATE sessions SET expires_at = 1'))
    expect((await worker.ask('/', cookie)).text).toBe('Visit number 1')
    await worker.runCron()
    expect((await worker.ask(sql('SELECT count(*) AS sessions FROM sessions'))).text).toBe('[{"sessions":1}]')
  })
})

describe.each(STORES)('a server store %s', (_, open) => {
  it('stores all of 61 changes of one session that come at once, and goes on', async () => {
    const { worker } = await open(PATIENT)
    const cookie = await worker.cookieFrom('/begin')
    expect(statuses(await askAll(worker, cookie, times(61, '/count')))).toEqual(new Set([200]))
    expect(await seen(worker, cookie)).toEqual({ begun: true, visits: 61 })
    expect(statuses(await askAll(worker, cookie, times(61, '/see')))).toEqual(new Set([200]))
    expect(await worker.ask('/count', cookie)).toMatchObject({ status: 200 })
  })

  it('lets one of several logins win, which carries on what was stored before it', async () => {
    const { worker } = await open(PATIENT)
    const old = await worker.cookieFrom('/begin')
    const counting = askAll(worker, old, times(10, '/count'))
    const logins = await Promise.all(times(5, '/login').map((path) => worker.cookieFrom(path, old)))
    const counts = await counting
    const [cookie = '', ...others] = logins.filter((login) => login !== '')
    expect(others).toEqual([])
    expect([200, 409]).toEqual(expect.arrayContaining([...statuses(counts)]))
    const visits = counts.filter(({ status }) => status === 200).length
    expect(await seen(worker, cookie)).toEqual({ begun: true, user: 'ada', ...(visits > 0 && { visits }) })
  })

  it('ends a session for good, whatever else is going on in it', async () => {
    const { worker } = await open(PATIENT)
    const cookie = await worker.cookieFrom('/login')
    const paths = [...times(10, '/count'), ...times(3, '/logout'), ...times(10, '/count')]
    const answers = await askAll(worker, cookie, paths)
    expect([200, 409]).toEqual(expect.arrayContaining([...statuses(answers)]))
    expect(answers.slice(10, 13).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await seen(worker, cookie)).toEqual({})
  })

  it('answers 503 while the backend fails, and works again after that', async () => {
    const { worker, breakIt, mend } = await open(PATIENT)
    const cookie = await worker.cookieFrom('/begin')
    await breakIt()
    expect(statuses(await askAll(worker, cookie, times(20, '/count')))).toEqual(new Set([503]))
    expect(statuses(await askAll(worker, cookie, times(20, '/count')))).toEqual(new Set([503]))
    await mend()
    await expect.poll(async () => (await worker.ask('/count', cookie)).status, { timeout: 10_000 }).toBe(200)
    expect(statuses(await askAll(worker, cookie, times(10, '/count')))).toEqual(new Set([200]))
    expect(await seen(worker, cookie)).toEqual({ begun: true, visits: 11 })
  })
})

describe('a server store whose backend does not answer', () => {
  it('answers each request with 503 in time, and works again when the backend answers', async () => {
    const { server, worker } = await startOverFetch(1000)
    const cookie = await worker.cookieFrom('/begin')
    void server.ignore('GET', 'PUT')
    for (let round = 0; round < 2; round++)
      expect(statuses(await askAll(worker, cookie, times(20, '/count')))).toEqual(new Set([503]))
    void server.ignore()
    await expect.poll(async () => (await worker.ask('/count', cookie)).status, { timeout: 10_000 }).toBe(200)
    expect(statuses(await askAll(worker, cookie, times(10, '/see')))).toEqual(new Set([200]))
  })

  it('lets other requests go on when a client leaves in the middle of a change', async () => {
    const { server, worker } = await startOverFetch(PATIENT)
    const cookie = await worker.cookieFrom('/begin')
    const isStoring = server.ignore('PUT')
    const leaving = new AbortController()
    const left = worker.fetch('/count', { headers: { cookie }, signal: leaving.signal }).catch(() => 'left')
    await isStoring
    leaving.abort()
    expect(await left).toBe('left')
    void server.ignore()
    expect(statuses(await askAll(worker, cookie, times(5, '/count')))).toEqual(new Set([200]))
    expect(await seen(worker, cookie)).toEqual({ begun: true, visits: 5 })
  })
})
