import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { Document } from './support/document.ts'
import { PageProgram } from './support/page-program.ts'
import { Visitor } from './support/visitor.ts'
import { compile, workspace } from './support/workspace.ts'

/** Milliseconds for compiling and starting processes on a busy machine. */
const PATIENCE = 60_000

const page = new Document('docs/guide/flash.md')
const { 'server.ts': server = '', ...others } = page.files

/** Routes of an application that fail after they have used a notice, or set one. */
const FAILING = `
  import { notify, takeNotices } from './flash.js'
  import { app, sess } from './server.js'
  app.get('/status', async (req, res) => {
    res.status(500).send(takeNotices(await sess.open(req, res), req.headers))
  })
  app.get('/throw', async (req, res) => {
    takeNotices(await sess.open(req, res), req.headers)
    throw new Error('on purpose')
  })
  app.post('/lost', async (req, res) => {
    const session = await sess.open(req, res)
    notify(session, 'error', 'saved')
    if (req.query['save'] !== undefined) await session.save()
    res.status(500).end()
  })`

const at = new Installation()
let redis: Redis
let program: PageProgram
let withCookies: PageProgram

beforeAll(async () => {
  const onCookies = server.replace("'redis'", "'cookie'").replace(/^ {2}url: .*\n/m, '')
  expect(
    await compile(workspace(at), { ...others, 'server.ts': server, 'failing.ts': FAILING, 'cookies.ts': onCookies }),
  ).toBe('')
  redis = await startRedis()
  const env = { SESSION_SECRET: 'a secret of the tests, of 32 bytes or more', REDIS_URL: redis.url, NODE_ENV: 'test' }
  program = await PageProgram.start(at, 'out/failing.js', env)
  withCookies = await PageProgram.start(at, 'out/cookies.js', env)
}, PATIENCE)

afterAll(async () => {
  await Promise.all([program?.stop(), withCookies?.stop()])
  await redis?.stop()
  at.remove()
})

const EMMA = ['success: Emma is on your shelf.', 'error: You have that book twice.']
const MIDDLEMARCH = 'success: Middlemarch is on your shelf.'
const PERSUASION = 'success: Persuasion is on your shelf.'

const linesOf = (text: string): readonly string[] => text.split('\n').slice(1)
const seenBy = async (visitor: Visitor): Promise<readonly string[]> => linesOf((await visitor.get('/')).text)

async function withBook(title: string, { origin } = program): Promise<Visitor> {
  const visitor = new Visitor(origin)
  await visitor.post('/books', { title })
  return visitor
}

describe('a notice', () => {
  test('is shown by the page after the redirect, which has the status 303, and not by a reload', async () => {
    const visitor = new Visitor(program.origin)
    expect(await visitor.post('/books', { title: 'Middlemarch' })).toMatchObject({ status: 303, location: '/books' })
    expect(await visitor.get('/books')).toMatchObject({ status: 303, location: '/' })
    expect([await seenBy(visitor), await seenBy(visitor)]).toEqual([[MIDDLEMARCH], []])
  })

  test('that is not there leaves a visitor without a cookie', async () => {
    const visitor = new Visitor(program.origin)
    expect([await seenBy(visitor), visitor.cookie]).toEqual([[], ''])
  })

  test('comes with others, in their order', async () => {
    expect(await seenBy(await withBook('Emma'))).toEqual(EMMA)
  })

  test('that is added while another is added is not lost', async () => {
    const visitor = await withBook('Emma')
    await Promise.all(['Middlemarch', 'Persuasion'].map((title) => visitor.post('/books', { title })))
    const lines = await seenBy(visitor)
    expect(lines.toSorted()).toEqual([...EMMA, MIDDLEMARCH, PERSUASION].toSorted())
  })

  test('that is added while another is added is lost on the cookie store, where the last response wins', async () => {
    const visitor = await withBook('Emma', withCookies)
    const [one, two] = [new Visitor(withCookies.origin, visitor.cookie), visitor]
    await one.post('/books', { title: 'Middlemarch' })
    await two.post('/books', { title: 'Persuasion' })
    expect(await seenBy(two)).toEqual([...EMMA, PERSUASION])
  })

  test.each(['/status', '/throw'])('is not used up by a page that fails: %s', async (path) => {
    const visitor = await withBook('Middlemarch')
    expect((await visitor.get(path)).status).toBe(500)
    expect(await seenBy(visitor)).toEqual([MIDDLEMARCH])
  })

  test('of a form that fails is left only by save', async () => {
    const visitor = await withBook('Middlemarch')
    await visitor.post('/lost')
    expect(await seenBy(visitor)).toEqual([MIDDLEMARCH])
    await visitor.post('/lost?save')
    expect(await seenBy(visitor)).toEqual(['error: saved'])
  })

  test('may be shown by two tabs at once, and is gone then', async () => {
    const visitor = await withBook('Middlemarch')
    const tabs = await Promise.all([seenBy(visitor), seenBy(visitor)])
    expect(tabs.flat()).toContain(MIDDLEMARCH)
    expect(await seenBy(visitor)).toEqual([])
  })

  test('moves along with a login', async () => {
    const visitor = await withBook('Middlemarch')
    await visitor.post('/login')
    expect((await visitor.get('/')).text).toBe(['Hello, ada.', MIDDLEMARCH, 'success: Welcome.'].join('\n'))
  })

  test('is dropped by a logout, whose own is in a new session', async () => {
    const visitor = await withBook('Middlemarch')
    await visitor.post('/login')
    const before = visitor.cookie
    await visitor.post('/logout')
    expect(visitor.cookie).not.toBe(before)
    expect((await visitor.get('/')).text).toBe('Hello, stranger.\nsuccess: You are logged out.')
  })

  test.each([
    ['sec-purpose', 'prefetch'],
    ['sec-purpose', 'prefetch;prerender'],
    ['purpose', 'prefetch'],
    ['next-router-prefetch', '1'],
  ])('is not used up by a page that is only prefetched: %s: %s', async (name, value) => {
    const visitor = await withBook('Middlemarch')
    const response = await fetch(program.origin, { headers: { cookie: visitor.cookie, [name]: value } })
    expect(linesOf(await response.text())).toEqual([])
    expect(await seenBy(visitor)).toEqual([MIDDLEMARCH])
  })
})

test('a form that is sent twice at once is carried out once, and never again', async () => {
  const visitor = new Visitor(program.origin)
  const order = (await visitor.get('/order')).text
  const sent = await Promise.all([1, 2, 3].map(() => visitor.post('/order', { order })))
  expect(sent.map(({ status }) => String(status)).toSorted()).toEqual(['303', '409', '409'])
  expect((await visitor.post('/order', { order })).status).toBe(409)
  expect(await seenBy(visitor)).toEqual(['success: Thank you for your order.'])
})
