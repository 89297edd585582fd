import type { CommitWork, EndReason, OpenOutcome, StoreCall } from '@sess/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { ask } from '../../scripts/servers/server.js'
import { Document } from './support/document.ts'
import { PageProgram } from './support/page-program.ts'
import { Visitor } from './support/visitor.ts'
import { compile, workspace } from './support/workspace.ts'

/** Milliseconds for compiling and starting processes on a busy machine. */
const PATIENCE = 60_000

const page = new Document('docs/guide/observing.md')

describe('the program of the page', () => {
  const at = new Installation()
  let redis: Redis
  let program: PageProgram

  beforeAll(async () => {
    expect(await compile(workspace(at), page.files)).toBe('')
    redis = await startRedis()
    const env = { SESSION_SECRET: 'a secret of the tests, of 32 bytes or more', REDIS_URL: redis.url }
    program = await PageProgram.start(at, 'out/server.js', env)
  }, PATIENCE)

  afterAll(async () => {
    await program?.stop()
    await redis?.stop()
    at.remove()
  })

  /** The name of the visitor's session, as the program shows it. */
  const nameOf = async (visitor: Visitor): Promise<string> => (await visitor.get('/')).text.replace(/^.*, session /, '')

  test('logs a login and a logout by the name of the session', async () => {
    const visitor = new Visitor(program.origin)
    await visitor.post('/login')
    const name = await nameOf(visitor)
    await visitor.post('/logout')
    await expect(program.says(`login: session ${name}, before it none\n`)).resolves.toBeUndefined()
    await expect(program.says(`end: session ${name}, logout\n`)).resolves.toBeUndefined()
  })

  test('logs a call of the store that is slow', async () => {
    const visitor = new Visitor(program.origin)
    await visitor.post('/login')
    program.forget()
    await ask(redis.port, 'CLIENT PAUSE 300 ALL')
    await visitor.get('/')
    await expect(program.says('slow: redis read took ')).resolves.toBeUndefined()
  })

  test('logs a call of the store that fails, with its code', async () => {
    const visitor = new Visitor(program.origin)
    await visitor.post('/login')
    program.forget()
    await ask(redis.port, 'CLIENT PAUSE 4000 ALL')
    expect((await visitor.get('/')).status).toBe(503)
    await program.says('failed: redis read')
    await program.says("code: 'UNAVAILABLE'")
  })
})

/** The first column of the page's table under this heading. */
function namesIn(heading: string): readonly string[] {
  const lines = page.text.split('\n')
  const begin = lines.findIndex((line) => line.startsWith(`| ${heading} `))
  const length = lines.slice(begin).findIndex((line) => line === '')
  return lines.slice(begin + 2, begin + length).map((line) => /`([\w.]+)`/.exec(line)?.[1] ?? line)
}

describe('the tables of the page have every', () => {
  test('outcome of an open', () => {
    const all = { found: 1, rotated: 1, none: 1, foreign: 1 } satisfies Record<OpenOutcome, 1>
    expect(namesIn('`outcome`')).toEqual(Object.keys(all))
  })

  test('work of a commit', () => {
    const all = { create: 1, update: 1, extend: 1, rotate: 1, end: 1 } satisfies Record<CommitWork, 1>
    expect(namesIn('`work`')).toEqual(Object.keys(all))
  })

  test('reason of an end', () => {
    const all = { logout: 1, revoked: 1, limit: 1, expired: 1 } satisfies Record<EndReason, 1>
    expect(namesIn('`reason`')).toEqual(Object.keys(all))
  })

  test('call of a store', () => {
    const all = { create: 1, read: 1, update: 1, destroy: 1, prune: 1, seal: 1, open: 1 } satisfies Record<StoreCall, 1>
    const row = page.text.split('\n').find((line) => line.startsWith('| `sess.store`')) ?? ''
    const [, , , message = ''] = row.split('|')
    expect([...message.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(['call', ...Object.keys(all), 'error'])
  })
})
