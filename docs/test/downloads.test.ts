import { once } from 'node:events'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { Document } from './support/document.ts'
import { PageProgram } from './support/page-program.ts'
import { Visitor } from './support/visitor.ts'
import { compile, workspace } from './support/workspace.ts'

/** Milliseconds for compiling and starting processes on a busy machine. */
const PATIENCE = 60_000

/** More bytes than the buffers of a connection have room for. */
const ENDLESS = 2 ** 28

const page = new Document('docs/guide/downloads.md')

/** Other answers of the same application. */
const MORE = `
  import type { Sessions } from '@sess/core'
  import type { Express } from 'express'
  export function addTo(app: Express, sess: Sessions<{ user: string }>): void {
    const answer = (path: string, use: (session: { user?: string | undefined }) => unknown) =>
      app.get(path, async (req, res) => {
        use(await sess.open(req, res))
        res.sendFile('index.html', { root: 'assets' })
      })
    answer('/unused', () => undefined)
    answer('/read', (session) => session.user)
    answer('/changed', (session) => (session.user = 'grace'))
    app.get('/no-store', async (req, res) => {
      void (await sess.open(req, res)).user
      res.set('Cache-Control', 'no-store').sendFile('index.html', { root: 'assets' })
    })
    app.get('/max-age', async (req, res) => {
      void (await sess.open(req, res)).user
      res.set('CDN-Cache-Control', 'max-age=60').sendFile('index.html', { root: 'assets', maxAge: '1h' })
    })
    app.get('/silent', async (req, res) => {
      void (await sess.open(req, res)).user
      res.end('silent')
    })
  }`

const at = new Installation()
let redis: Redis
let program: PageProgram

beforeAll(async () => {
  const { 'server.ts': server = '' } = page.files
  const modules = {
    'server.ts': `import { addTo } from './more.js'\n${server.replace('app.listen', 'addTo(app, sess)\napp.listen')}`,
    'more.ts': MORE,
  }
  expect(await compile(workspace(at), modules)).toBe('')
  for (const folder of ['assets', 'manuals', 'files/ada', 'files/grace']) {
    mkdirSync(at.at(folder), { recursive: true })
    writeFileSync(at.at(`${folder}/index.html`), `the index of ${folder}`)
  }
  writeFileSync(at.at('files/ada/endless.bin'), '')
  truncateSync(at.at('files/ada/endless.bin'), ENDLESS)
  redis = await startRedis()
  const env = { SESSION_SECRET: 'a secret of the tests, of 32 bytes or more', REDIS_URL: redis.url }
  program = await PageProgram.start(at, 'out/server.js', env)
}, PATIENCE)

afterAll(async () => {
  await program?.stop()
  await redis?.stop()
  at.remove()
})

async function ada(): Promise<Visitor> {
  const visitor = new Visitor(program.origin)
  await visitor.post('/login')
  return visitor
}

interface Seen {
  readonly status: number | undefined
  readonly cacheControl: string | undefined
  readonly vary: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Not by `fetch`, which asks caches for a new copy where a request is conditional. */
async function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Seen> {
  const [response] = await once(request(`${program.origin}${path}`, { agent: false, headers }).end(), 'response')
  const { statusCode: status, headers: seen } = response
  return { status, cacheControl: seen['cache-control'], vary: seen.vary, headers: seen, text: await text(response) }
}

const PRIVATE = { cacheControl: 'private, max-age=0', vary: 'Cookie' }
const PUBLIC = { cacheControl: 'public, max-age=0' }

describe('what is sent', () => {
  test('is public where no session is opened, also to a user who is logged in', async () => {
    const { cookie } = await ada()
    expect(await get('/assets/index.html', { cookie })).toMatchObject({ status: 200, ...PUBLIC, vary: undefined })
  })

  test('is public to a visitor without a session, and varies by cookie', async () => {
    expect(await get('/read')).toMatchObject({ status: 200, ...PUBLIC, vary: 'Cookie' })
  })

  test('is public where a session that is there is not used', async () => {
    const { cookie } = await ada()
    expect(await get('/unused', { cookie })).toMatchObject({ status: 200, ...PUBLIC, vary: undefined })
  })

  test.each(['/manuals/index.html', '/files/index.html', '/read', '/changed'])(
    'is private where a session that is there is used: %s',
    async (path) => {
      const { cookie } = await ada()
      expect(await get(path, { cookie })).toMatchObject({ status: 200, ...PRIVATE })
    },
  )

  test('is private where it has a cookie of the session', async () => {
    const seen = await get('/changed')
    expect(seen).toMatchObject({ status: 200, ...PRIVATE })
    expect(seen.headers['set-cookie']).toHaveLength(1)
  })

  test('stays no-store where the application says so', async () => {
    const { cookie } = await ada()
    expect(await get('/no-store', { cookie })).toMatchObject({ cacheControl: 'no-store', vary: 'Cookie' })
  })

  test('keeps its maxAge, and is kept out of CDNs', async () => {
    const { cookie } = await ada()
    const { cacheControl, headers } = await get('/max-age', { cookie })
    expect([cacheControl, headers['cdn-cache-control']]).toEqual(['private, max-age=3600', 'no-store'])
  })

  test('says nothing of caches where the application says nothing', async () => {
    const { cookie } = await ada()
    expect(await get('/silent', { cookie })).toMatchObject({ cacheControl: undefined, vary: 'Cookie' })
  })
})

describe('a private file', () => {
  test('is a part of it where a range is asked for', async () => {
    const { cookie } = await ada()
    const seen = await get('/files/index.html', { cookie, range: 'bytes=4-8' })
    expect(seen).toMatchObject({ status: 206, text: 'index', ...PRIVATE })
  })

  test.each(['/manuals/index.html', '/files/index.html'])(
    'is not sent again to a browser that has it, and is refused after the logout: %s',
    async (path) => {
      const visitor = await ada()
      const { headers } = await get(path, { cookie: visitor.cookie })
      const revalidation = { cookie: visitor.cookie, 'if-none-match': String(headers.etag) }
      expect(await get(path, revalidation)).toMatchObject({ status: 304, text: '', ...PRIVATE })
      await visitor.post('/logout')
      expect(await get(path, revalidation)).toMatchObject({ status: 401, text: 'Log in first.' })
    },
  )

  test('is an attachment', async () => {
    const { headers } = await get('/files/index.html', { cookie: (await ada()).cookie })
    expect(headers['content-disposition']).toBe('attachment; filename=index.html')
  })

  test.each(['..%2Fgrace%2Findex.html', '%2Fetc%2Fpasswd', '..%2F..%2Fpackage.json'])(
    'is none of another folder: %s',
    async (name) => {
      const seen = await get(`/files/${name}`, { cookie: (await ada()).cookie })
      expect([403, 404]).toContain(seen.status)
      expect(seen.text).not.toContain('the index of')
    },
  )

  test.each(['/manuals/index.html', '/files/index.html'])('is not for strangers: %s', async (path) => {
    expect(await get(path)).toMatchObject({ status: 401, text: 'Log in first.' })
  })
})

test('a download under way is stopped by the logout, and is incomplete', async () => {
  const visitor = await ada()
  const headers = { cookie: visitor.cookie }
  const sent = request(`${program.origin}/files/endless.bin`, { agent: false, headers }).end()
  const [response] = await once(sent, 'response')
  const ended = new Promise((resolve) => response.once('error', resolve).once('end', resolve))
  await visitor.post('/logout')
  response.resume()
  await ended
  const outcome = { isComplete: response.complete, length: response.headers['content-length'] }
  expect(outcome).toEqual({ isComplete: false, length: String(ENDLESS) })
})
