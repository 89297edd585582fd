import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compile, type Diagnostic } from '../../core/test/support/compiler.ts'
import { Installation } from '../../core/test/support/installation.ts'

/** A timeout that is long enough for the compiler on a busy machine. */
const PATIENCE = 120_000

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

/** The start of every program. */
const PRELUDE = `
import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import { sessions, type Sessions } from '@sess/core'
import { expressSession, sessionOf, type RequestSession, type SessionMiddleware } from '@sess/express-session'
interface Shop { user: string; cart: string[] }
declare const sess: Sessions<Shop>
declare const req: IncomingMessage
declare const res: ServerResponse
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(isSame: Same<A, B>): void
`

type Programs = Readonly<Record<string, string>>

const ACCEPTED: Programs = {
  'the middleware, in an application of Express and without one': `
    express().use(expressSession(sess), expressSession(sess, { unset: 'destroy' }))
    expressSession(sessions('any name', { secret: '' }) as Sessions)(req, res, () => undefined)
    const middleware: SessionMiddleware = expressSession(sess)`,
  'the keys of the data, each of which may be missing': `
    const session = sessionOf<Shop>(req)
    same<typeof session.user, string | undefined>(true)
    session.user = 'ada'
    delete session.user
    session.cart?.push('emma')
    function take(one: RequestSession<Shop>): void { one.cart = [] }
    take(session)`,
  'the methods, with callbacks and without': `
    sessionOf(req).save().touch().regenerate((error?: unknown) => { if (error) throw error })
    sessionOf(req).destroy(() => undefined)
    sessionOf(req).reload((error) => void error)
    same<RequestSession['id'], string>(true)`,
  'the cookie, by time and by date': `
    const { cookie } = sessionOf(req)
    cookie.maxAge = 1000
    cookie.maxAge = null
    cookie.expires = new Date()
    cookie.expires = false
    same<RequestSession['cookie']['maxAge'], number | null>(true)`,
}

const REFUSED: Programs = {
  'a key that is not in the data': `sessionOf<Shop>(req).usr`,
  'another type than that of the data': `sessionOf<Shop>(req).user = 7`,
  'a key that nobody has declared': `sessionOf(req).undeclared`,
  'a misspelt option': `expressSession(sess, { unst: 'keep' })`,
  'another value of an option': `expressSession(sess, { unset: 'drop' })`,
  'something that is not the sessions': `expressSession({ secret: 'x' })`,
  'the id assigned': `sessionOf(req).id = 'chosen'`,
  'a duration in words': `sessionOf(req).cookie.maxAge = '1h'`,
  'what is no callback': `sessionOf(req).save('callback')`,
}

/** In a program each, since a declaration counts for the whole compilation. */
const OURS = `
declare module '@sess/express-session' {
  interface SessionData { views: number }
}
same<RequestSession['views'], number | undefined>(true)
sessionOf(req).views = 1`

const THEIRS = `
declare module 'express-session' {
  interface SessionData { views: number }
}
same<RequestSession['views'], number | undefined>(true)
express().get('/', (request) => {
  request.session.views = (sessionOf(request).views ?? 0) + 1
  request.session.save((error) => void error)
  sessionOf(request).cookie.maxAge = 1000
})`

const BOTH = `
declare module 'express-session' {
  interface SessionData { views: number }
}
declare module '@sess/express-session' {
  interface SessionData { user: string }
}
same<RequestSession['views'], number | undefined>(true)
same<RequestSession['user'], string | undefined>(true)`

/** An application with our packages, Express, and the types of everything, or of all but express-session. */
function application(hasTheirTypes: boolean): Installation {
  const at = new Installation().copy('core').copy('express-session').write({ 'package.json': '{"type":"module"}' })
  for (const name of readdirSync(join(MODULES, '@types')))
    if (hasTheirTypes || name !== 'express-session')
      at.symlink(join(MODULES, '@types', name), 'node_modules', '@types', name)
  return at.symlink(join(MODULES, 'express'), 'node_modules', 'express')
}

const COMMON = { lib: ['es2023'], types: ['node'] }
const WAYS = {
  nodenext: { ...COMMON, module: 'nodenext', moduleResolution: 'nodenext' },
  'bundler-exact': {
    ...COMMON,
    module: 'esnext',
    moduleResolution: 'bundler',
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
  },
}

const SETTINGS = [true, false].flatMap((hasTheirTypes) =>
  Object.entries(WAYS).map(([way, options]) => ({
    name: `${hasTheirTypes ? 'with' : 'without'} the types of express-session, resolved as ${way}`,
    hasTheirTypes,
    options,
  })),
)

const slug = (text: string): string => text.replaceAll(/\W+/g, '-')

describe.each(SETTINGS)('$name', ({ hasTheirTypes, options }) => {
  const at = application(hasTheirTypes)
  afterAll(() => at.remove())
  let found: ReadonlyMap<string, readonly Diagnostic[]>
  const textsOf = (file: string): readonly string[] => (found.get(file) ?? []).map(({ text }) => text)

  beforeAll(async () => {
    const files = Object.entries({ ...ACCEPTED, ...REFUSED }).map(([name, text]) => {
      const file = `src/${slug(name)}.ts`
      at.write({ [file]: PRELUDE + text })
      return file
    })
    found = await compile(at, 'all', files, options)
  }, PATIENCE)

  test.each(Object.keys(ACCEPTED))('it compiles: %s', (name) => {
    expect(textsOf(`src/${slug(name)}.ts`)).toEqual([])
  })

  test.each(Object.keys(REFUSED))('it does not compile: %s', (name) => {
    expect(found.get(`src/${slug(name)}.ts`)?.map(({ line }) => line)).toEqual([PRELUDE.split('\n').length])
  })

  test('the declarations themselves compile', () => {
    expect([...found.keys()].filter((file) => file.includes('@sess'))).toEqual([])
  })

  test.each([
    ['the keys that the application declares here', OURS],
    ...(hasTheirTypes
      ? [
          ['the keys that the application has declared for express-session', THEIRS],
          ['the keys that it declares in both', BOTH],
        ]
      : []),
  ])(
    'it compiles: %s',
    async (name = '', text = '') => {
      const file = `src/${slug(name)}.ts`
      at.write({ [file]: PRELUDE + text })
      expect(await compile(at, slug(name), [file], options)).toEqual(new Map())
    },
    PATIENCE,
  )
})
