import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compile, type Diagnostic } from '../../core/test/support/compiler.ts'
import { Installation } from '../../core/test/support/installation.ts'

/** A timeout that is long enough for the compiler on a busy machine. */
const PATIENCE = 120_000

const MODULES = fileURLToPath(new URL('../../../node_modules/', import.meta.url))

/** The start of every program. */
const PRELUDE = `
import { type Session, type Sessions, sessions } from '@sess/core'
import sessFastify, { sessFastify as named, type Visitor } from '@sess/fastify'
import { fastify, type FastifyRequest } from 'fastify'
declare module '@sess/fastify' {
  interface Visitor { user: string; visits: number }
}
declare const sess: Sessions<Visitor>
const app = fastify()
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(isSame: Same<A, B>): void
`

type Programs = Readonly<Record<string, string>>

const ACCEPTED: Programs = {
  'the plugin, with its options and those of Fastify': `
    void app.register(sessFastify, { sess })
    void app.register(named, { sess, close: false, logLevel: 'warn' })`,
  'sessions that are made in the call': `
    void app.register(sessFastify, { sess: sessions('redis', { secret: '', url: '' }) })`,
  'sessions of any keys, as in JavaScript': `
    void app.register(sessFastify, { sess: sessions('cookie', { secret: '' }) as Sessions })`,
  'an application of HTTP/2': `
    const http2 = fastify({ http2: true })
    void http2.register(sessFastify, { sess })
    http2.get('/', async (request) => (await request.session).user)`,
  'the session in handlers and hooks': `
    same<FastifyRequest['session'], Promise<Session<Visitor>>>(true)
    app.get<{ Params: { id: string } }>('/:id', async (request) => {
      const session = await request.session
      same<typeof session.user, string | undefined>(true)
      session.user = request.params.id
      return session.update('visits', (n = 0) => n + 1)
    })
    app.addHook('onSend', async (request, _reply, payload) => {
      (await request.session).destroy()
      return payload
    })`,
}

const REFUSED: Programs = {
  'a key of the session before it is awaited': `app.get('/', async (request) => request.session.user)`,
  'an assignment before it is awaited': `app.get('/', async (request) => { request.session.user = 'ada' })`,
  'another type than that of the key': `app.get('/', async (request) => { (await request.session).user = 7 })`,
  'a key that nobody has declared': `app.get('/', async (request) => (await request.session).admin)`,
  'request.session assigned': `app.get('/', async (request) => { request.session = sess.open(request.raw, null!) })`,
  'sessions of other keys': `void app.register(sessFastify, { sess: null! as Sessions<{ admin: string }> })`,
  'no options': `void app.register(sessFastify)`,
  'no sessions': `void app.register(sessFastify, { close: true })`,
  'the options of sessions()': `void app.register(sessFastify, { secret: '', url: '' })`,
  'a misspelt option of the store': `void app.register(sessFastify, { sess: sessions('redis', { secret: '', urll: '' }) })`,
}

/** With another plugin that says what `request.session` is, in one program. */
const BESIDE_ANOTHER = `
import '@fastify/session'
app.get('/', async (request, reply) => {
  await request.session.regenerate()
  const session = await sess.open(request.raw, reply.raw)
  session.user = 'ada'
})`

const COMMON = { lib: ['es2023'], types: ['node'] }
const WAYS = {
  nodenext: { ...COMMON, module: 'nodenext', moduleResolution: 'nodenext' },
  'bundler-exact': {
    ...COMMON,
    module: 'esnext',
    moduleResolution: 'bundler',
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
  },
}

const slug = (text: string): string => text.replaceAll(/\W+/g, '-')

describe.each(Object.entries(WAYS))('resolved as %s', (_, options) => {
  const at = new Installation()
    .copy('core')
    .copy('adapter-redis')
    .copy('fastify')
    .write({ 'package.json': '{"type":"module"}' })
  for (const name of ['fastify', '@types/node', '@fastify/session', '@fastify/cookie'])
    at.symlink(MODULES + name, 'node_modules', name)
  afterAll(() => at.remove())
  let found: ReadonlyMap<string, readonly Diagnostic[]>

  beforeAll(async () => {
    const files = Object.entries({ ...ACCEPTED, ...REFUSED }).map(([name, text]) => {
      const file = `src/${slug(name)}.ts`
      at.write({ [file]: PRELUDE + text })
      return file
    })
    found = await compile(at, 'all', files, options)
  }, PATIENCE)

  test.each(Object.keys(ACCEPTED))('it compiles: %s', (name) => {
    expect(found.get(`src/${slug(name)}.ts`)).toBeUndefined()
  })

  test.each(Object.keys(REFUSED))('it does not compile: %s', (name) => {
    expect(found.get(`src/${slug(name)}.ts`)?.map(({ line }) => line)).toEqual([PRELUDE.split('\n').length])
  })

  test('the declarations themselves compile', () => {
    expect([...found.keys()].filter((file) => file.includes('@sess'))).toEqual([])
  })

  test(
    'request.session has the type of another plugin that is in the program',
    async () => {
      at.write({ 'src/beside.ts': PRELUDE + BESIDE_ANOTHER })
      const skipping = { ...options, skipLibCheck: true }
      expect(await compile(at, 'beside', ['src/beside.ts'], skipping)).toEqual(new Map())
    },
    PATIENCE,
  )
})
