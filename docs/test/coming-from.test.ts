import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { Document } from './support/document.ts'
import { Jar } from './support/jar.ts'
import { PageProgram } from './support/page-program.ts'
import { workspace } from './support/workspace.ts'

/** Milliseconds for starting processes on a busy machine. */
const PATIENCE = 60_000

interface Page {
  readonly library: string
  /** The former sessions are in a store, so a logout ends them, too. */
  readonly isStored: boolean
}

const PAGES: readonly Page[] = [
  { library: 'express-session', isStored: true },
  { library: 'cookie-session', isStored: false },
  { library: 'iron-session', isStored: false },
  { library: 'fastify-session', isStored: true },
  { library: 'koa-session', isStored: false },
  { library: 'hono-sessions', isStored: false },
]

/** The programs of a page: the former release, the one beside it, and the last one. */
interface Releases {
  readonly before: PageProgram
  readonly both: PageProgram
  readonly after: PageProgram
}

const at = new Installation()
let redis: Redis
const started = new Map<Page, Releases>()

function releasesOf(page: Page): Releases {
  const releases = started.get(page)
  if (releases === undefined) throw new Error(`the programs of ${page.library} were not started`)
  return releases
}

beforeAll(async () => {
  workspace(at)
  redis = await startRedis()
  for (const page of PAGES) {
    const { library } = page
    at.write(new Document(`docs/guide/coming-from-${library}.md`).files, library)
    const env = {
      REDIS_URL: redis.url,
      OLD_SECRET: 'the former secret of the tests, of 32 bytes or more',
      SESSION_SECRET: 'a secret of the tests, of 32 bytes or more',
    }
    const start = (file: string, more = {}) => PageProgram.start(at, `${library}/${file}`, { ...env, ...more })
    const [before, both, after] = await Promise.all([
      start('before.mjs'),
      start('after.mjs', { KEEP: 'yes' }),
      start('after.mjs'),
    ])
    started.set(page, { before, both, after })
  }
}, 3 * PATIENCE)

afterAll(async () => {
  for (const releases of started.values())
    await Promise.all([releases.before.stop(), releases.both.stop(), releases.after.stop()])
  await redis?.stop()
  at.remove()
})

/** A browser whose user has logged in, and was there twice. */
async function regular({ before }: Releases): Promise<Jar> {
  const jar = new Jar()
  expect(await jar.logIn(before.origin, 'ada')).toBe(200)
  await jar.visit(before.origin)
  expect(await jar.visit(before.origin)).toEqual({ user: 'ada', visits: 2 })
  return jar
}

describe.each(PAGES)('who comes from $library', (page) => {
  test('is still logged in, with what the session held, and has one cookie', { timeout: PATIENCE }, async () => {
    const releases = releasesOf(page)
    const jar = await regular(releases)
    expect(await jar.visit(releases.after.origin)).toEqual({ user: 'ada', visits: 3 })
    expect(await jar.visit(releases.after.origin)).toEqual({ user: 'ada', visits: 4 })
    expect(jar.names).toEqual(['sess'])
  })

  test('is logged out by nothing, and loses no visit, while both releases run', { timeout: PATIENCE }, async () => {
    const releases = releasesOf(page)
    const { before, both, after } = releases
    const users = Array.from({ length: 20 }, async (_, n) => {
      const jar = new Jar()
      await jar.logIn(before.origin, `user${n}`)
      for (let visits = 1; visits <= 12; visits++) {
        // Who has a cookie of the new release is sent there.
        const isNew = jar.has('sess') || (visits > 3 && (visits + n) % 3 === 0)
        const origin = visits > 9 ? after.origin : isNew ? both.origin : before.origin
        expect(await jar.visit(origin)).toEqual({ user: `user${n}`, visits })
      }
    })
    await Promise.all(users)
  })

  test('is logged in as before after a roll-back', { timeout: PATIENCE }, async () => {
    const releases = releasesOf(page)
    const jar = await regular(releases)
    expect(await jar.visit(releases.both.origin)).toEqual({ user: 'ada', visits: 3 })
    expect(await jar.visit(releases.before.origin)).toEqual({ user: 'ada', visits: 3 })
  })

  test('is logged out for good, also with both cookies', { timeout: PATIENCE }, async () => {
    const { before, both, after } = releasesOf(page)
    const jar = await regular(releasesOf(page))
    await jar.visit(both.origin)
    const copy = jar.copy()
    expect(await jar.logOut(both.origin)).toBe(200)
    expect(jar.names).toEqual([])
    expect(await jar.visit(after.origin)).toMatchObject({ user: null })
    if (page.isStored) {
      expect(await copy.copy().visit(after.origin)).toMatchObject({ user: null })
      expect(await copy.copy().visit(before.origin)).toMatchObject({ user: null })
    }
  })

  test('gets nothing for a cookie that was altered', { timeout: PATIENCE }, async () => {
    const releases = releasesOf(page)
    const jar = await regular(releases)
    jar.forge()
    expect(await jar.visit(releases.after.origin)).toEqual({ user: null, visits: 1 })
  })

  test('can log in, and stay logged in, without ever having been there before', { timeout: PATIENCE }, async () => {
    const { after } = releasesOf(page)
    const jar = new Jar()
    expect(await jar.logIn(after.origin, 'grace', 'hopper')).toBe(401)
    expect(await jar.logIn(after.origin, 'grace')).toBe(200)
    expect(await jar.visit(after.origin)).toMatchObject({ user: 'grace' })
    expect(await jar.logOut(after.origin)).toBe(200)
    expect(await jar.visit(after.origin)).toMatchObject({ user: null })
  })
})

describe.each([
  {
    library: 'fastify-session',
    edits: [
      [
        "store: new RedisStore({ client, prefix: 'fastify:' })",
        "store: new FastifyStore('sqlite', { file: 'fastify.sqlite' })",
      ],
      ["import Fastify from 'fastify'", "import Fastify from 'fastify'\nimport { FastifyStore } from './store.mjs'"],
    ],
  },
  {
    library: 'koa-session',
    edits: [
      ["key: 'koa.sess'", "store: new KoaStore('sqlite', { file: 'koa.sqlite' })"],
      ["import Koa from 'koa'", "import Koa from 'koa'\nimport { KoaStore } from './store.mjs'"],
    ],
  },
] as const)('the store of @sess under $library', ({ library, edits }) => {
  test('keeps sessions over a restart, and ends them', { timeout: PATIENCE }, async () => {
    let program = new Document(`docs/guide/coming-from-${library}.md`).files['before.mjs'] ?? ''
    for (const [was, is] of edits) {
      expect(program).toContain(was)
      program = program.replace(was, is)
    }
    at.write({ 'stored.mjs': program }, library)
    const env = { REDIS_URL: redis.url, OLD_SECRET: 'the former secret of the tests, of 32 bytes or more' }
    const first = await PageProgram.start(at, `${library}/stored.mjs`, env)
    const jar = new Jar()
    expect(await jar.logIn(first.origin, 'ada')).toBe(200)
    expect(await jar.visit(first.origin)).toEqual({ user: 'ada', visits: 1 })
    await first.stop()
    const second = await PageProgram.start(at, `${library}/stored.mjs`, env)
    expect(await jar.visit(second.origin)).toEqual({ user: 'ada', visits: 2 })
    const copy = jar.copy()
    expect(await jar.logOut(second.origin)).toBe(200)
    expect(await copy.visit(second.origin)).toMatchObject({ user: null })
    await second.stop()
  })
})
