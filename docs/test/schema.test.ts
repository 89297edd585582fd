import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { type Redis, startRedis } from '../../scripts/servers/redis.js'
import { Document } from './support/document.ts'
import { compile, workspace } from './support/workspace.ts'

/** Milliseconds for compiling and starting processes on a busy machine. */
const PATIENCE = 60_000

const page = new Document('docs/guide/schema.md')
const { 'sess.ts': sess = '', ...others } = page.files

/** The page's sessions, with the schema of another of its blocks. */
const withSchemaOf = (library: string): string =>
  sess
    .replace("import { z } from 'zod'\n", `import { schema } from './${library}.js'\n`)
    .replace(/^const schema.*\n/m, '')

/** Requests of one visitor, at the page's sessions and at those of an older version, which has no schema. */
const VISITOR = `
  import { type Exchange, type Session, sessions, SessError } from '@sess/core'
  const told: string[] = []
  console.error = (error: unknown) => told.push(String(error instanceof SessError && error.code + ': ' + error.message))
  const { secret, url } = { secret: process.env.SESSION_SECRET, url: process.env.REDIS_URL }
  export const older = sessions('redis', { secret, url })
  let cookie: string | undefined
  export async function visit<D, T>(
    sess: { exchange(cookie: string | undefined): Exchange<D> },
    use: (session: Session<D>) => T,
  ): Promise<T> {
    const exchange = sess.exchange(cookie)
    const result = use(await exchange.open())
    const headers = await exchange.commit(200)
    cookie ??= headers.find(([name]) => name === 'set-cookie')?.[1].split(';')[0]
    return result
  }
  export const show = (...values: unknown[]) => console.log(...values.map((value) => JSON.stringify(value)))
  export const complaints = () => told.splice(0).join('\\n')
  export const refusal = (call: Promise<unknown>) => call.catch((error: unknown) => {
    if (error instanceof SessError) return error.code + ': ' + error.message
    throw error
  })`

/** An older version stores a name of another shape; then a handler assigns a cart that does not fit. */
const USE = `
  import { sess } from './SESS.js'
  import { complaints, older, refusal, show, visit } from './visitor.js'
  await visit(older, (session) => Object.assign(session, { name: { first: 'Ada' }, cart: ['emma'] }))
  show(await visit(sess, (session) => ({ ...session })))
  console.log(complaints())
  console.log(await refusal(visit(sess, (session) => Object.assign(session, { cart: ['emma', 4711] }))))
  show(await visit(older, (session) => ({ ...session })))
  await Promise.all([sess.close(), older.close()])`

const RENAMED = `
  import { nameOf, sess } from './rename.js'
  import { complaints, older, show, visit } from './visitor.js'
  await visit(older, (session) => { session.name = 'Ada' })
  show(await visit(sess, nameOf))
  await visit(sess, (session) => { session.displayName = 'Ada L.' })
  show(await visit(sess, nameOf), await visit(older, (session) => session.name), complaints())
  await Promise.all([sess.close(), older.close()])`

const RESHAPED = `
  import { sess } from './reshape.js'
  import { complaints, older, show, visit } from './visitor.js'
  await visit(older, (session) => { session.cart = ['emma'] })
  show(await visit(sess, (session) => session.cart))
  await visit(sess, (session) => session.update('cart', (cart = []) => [...cart, { title: 'persuasion' }]))
  show(await visit(sess, (session) => session.cart), complaints())
  await Promise.all([sess.close(), older.close()])`

let at: Installation
let redis: Redis

beforeAll(async () => {
  at = workspace(new Installation())
  const programs = ['sess', 'sess-valibot', 'sess-arktype'].map((name) => [`use-${name}.ts`, USE.replace('SESS', name)])
  const modules = {
    ...others,
    'sess.ts': sess,
    'sess-valibot.ts': withSchemaOf('valibot'),
    'sess-arktype.ts': withSchemaOf('arktype'),
    'visitor.ts': VISITOR,
    'renamed.ts': RENAMED,
    'reshaped.ts': RESHAPED,
    ...Object.fromEntries(programs),
  }
  expect(await compile(at, modules)).toBe('')
  redis = await startRedis()
}, PATIENCE)

afterAll(async () => {
  await redis?.stop()
  at?.remove()
})

const run = async (program: string): Promise<string> => {
  const env = { SESSION_SECRET: 'a secret of the tests, of 32 bytes or more', REDIS_URL: redis.url }
  const { stdout, stderr } = await at.node([`out/${program}.js`], at.path, env)
  expect(stderr).toBe('')
  return stdout
}

describe('the page about schemas', () => {
  const [refused = '', unread = ''] = page.blocks.filter(({ use }) => use === 'output').map(({ text }) => text)

  test.each([
    ['Zod', 'use-sess'],
    ['Valibot', 'use-sess-valibot'],
    ['ArkType', 'use-sess-arktype'],
  ])('shows what happens to a value that does not fit, with %s', async (_library, program) => {
    const lines = [{ cart: ['emma'] }, unread, refused, { name: { first: 'Ada' }, cart: ['emma'] }]
    expect(await run(program)).toBe(
      lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
    )
  })

  test('renames a key while two versions run', async () => {
    expect(await run('renamed')).toBe('"Ada"\n"Ada L." "Ada" ""')
  })

  test('changes what a key holds while two versions run', async () => {
    expect(await run('reshaped')).toBe('[{"title":"emma"}]\n[{"title":"emma"},{"title":"persuasion"}] ""')
  })
})
