import memory from '@sess/adapter-memory'
import { sessions } from '@sess/core'
import { type Adapter, createAdapterContext, type Store } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import { CountedStore } from '../support/counted-store.js'
import { thrownBy } from '../support/failure.ts'
import { Installation } from '../support/installation.js'
import { SECRET } from '../support/secret.js'

/** Calls sessions() without type checks, as JavaScript can. */
function start(...given: unknown[]): unknown {
  return Reflect.apply(sessions, undefined, given)
}

function failureOfFoo(files: Readonly<Record<string, string>>, manifest?: object) {
  const application = Installation.forTest().install('sess-adapter-foo', files, manifest)
  const error = thrownBy(() => sessions('foo', { secret: SECRET, from: application.main }))
  return { error, at: (file: string) => application.at('node_modules/sess-adapter-foo', file) }
}

function contextOfTests() {
  return createAdapterContext({ secret: SECRET })
}

describe('an adapter that cannot be loaded', () => {
  test.each([
    {
      fault: 'a package that is missing',
      code: `import 'ioredis-x'`,
      missing: 'ioredis-x',
      cause: 'ERR_MODULE_NOT_FOUND',
    },
    {
      fault: 'a scoped package that is missing',
      code: `import '@acme/x'`,
      missing: '@acme/x',
      cause: 'ERR_MODULE_NOT_FOUND',
    },
    {
      fault: 'a package that CommonJS misses',
      code: `import './lib.cjs'`,
      lib: `require('ioredis-x')`,
      missing: 'ioredis-x',
      cause: 'MODULE_NOT_FOUND',
    },
    {
      fault: 'a file that is missing',
      code: `import './lib/none.js'`,
      missing: 'lib/none.js',
      cause: 'ERR_MODULE_NOT_FOUND',
    },
  ])('$fault: says what, where, and gives the cause', ({ code, lib = '', missing, cause }) => {
    const { error, at } = failureOfFoo({ 'index.js': `${code}; export default () => {}`, 'lib.cjs': lib })
    expect(error.code).toBe('ADAPTER_LOAD_FAILED')
    expect(error.message).toContain(`The adapter 'foo' was found (${at('index.js')}) but could not be loaded`)
    expect(error.message).toContain(missing)
    expect(error.cause).toMatchObject({ code: cause })
  })

  test.each([
    { fault: 'exports that name no file', manifest: { exports: './dist/index.js' }, missing: 'dist/index.js' },
    {
      fault: 'exports for import that name no file',
      manifest: { exports: { import: './dist/index.mjs' } },
      missing: 'dist/index.mjs',
    },
    { fault: 'a main that names no file', manifest: { main: './dist/index.js' }, missing: 'dist/index.js' },
    { fault: 'no file at all', manifest: {}, missing: '/' },
  ])('$fault: asks whether it is built', ({ manifest, missing }) => {
    const { error, at } = failureOfFoo({}, manifest)
    expect(error.code).toBe('ADAPTER_LOAD_FAILED')
    expect(error.message).toContain(`${at(missing)}; is the package built?`)
    expect(error.cause).toMatchObject({ code: 'MODULE_NOT_FOUND' })
  })

  test.each([
    { fault: 'a syntax error', code: 'export default ) => {}', why: 'the cause', cause: { name: 'SyntaxError' } },
    {
      fault: 'a module that throws',
      code: `throw new RangeError('boom')`,
      why: 'the cause',
      cause: { name: 'RangeError', message: 'boom' },
    },
    {
      fault: 'await at the top level',
      code: 'await 1; export default () => {}',
      why: 'await at its top level',
      cause: { code: 'ERR_REQUIRE_ASYNC_MODULE' },
    },
  ])('$fault: says so, and gives the cause', ({ code, why, cause }) => {
    const { error, at } = failureOfFoo({ 'index.js': code })
    expect(error.code).toBe('ADAPTER_LOAD_FAILED')
    expect(error.message).toContain(at('index.js'))
    expect(error.message).toContain(why)
    expect(error.cause).toMatchObject(cause)
  })

  test.each([
    {
      fault: 'exports nothing for Node',
      manifest: { exports: { browser: './index.js' } },
      why: 'exports nothing as "."',
    },
    {
      fault: 'exports a subpath alone',
      manifest: { exports: { './foo': './index.js' } },
      why: 'exports nothing as "."',
    },
  ])('a package that $fault', ({ manifest, why }) => {
    const { error } = failureOfFoo({ 'index.js': '' }, manifest)
    expect(error.code).toBe('ADAPTER_LOAD_FAILED')
    expect(error.message).toContain(why)
    expect(error.cause).toMatchObject({ code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
  })

  test('a module that throws something other than an Error', () => {
    const { error } = failureOfFoo({ 'index.js': `throw 'boom'` }, {})
    expect(error.code).toBe('ADAPTER_LOAD_FAILED')
    expect(error.cause).toMatchObject({ message: 'a thrown string' })
  })

  test('a package.json that is not JSON', () => {
    const { error } = failureOfFoo({ 'package.json': '{' })
    expect(error.code).toBe('ADAPTER_LOAD_FAILED')
    expect(error.message).toContain('its package.json cannot be read')
  })

  test('the cause keeps its stack, which says where the adapter broke', () => {
    const { error, at } = failureOfFoo({ 'index.js': `\n\nthrow new Error('boom')` })
    expect(error.cause instanceof Error && error.cause.stack).toContain(`${at('index.js')}:3:7`)
  })

  test('a later start tries again, once it was repaired', () => {
    const application = Installation.forTest().install('sess-adapter-foo', {})
    const again = () => thrownBy(() => sessions('foo', { secret: SECRET, from: application.main })).code
    expect(again()).toBe('ADAPTER_LOAD_FAILED')
    application.install('sess-adapter-foo', { 'index.js': 'export default () => null' })
    expect(again()).toBe('ADAPTER_INVALID')
  })
})

describe('an adapter that exports no adapter', () => {
  test.each([
    ['nothing', 'export {}', 'exports nothing'],
    ['named functions alone', 'export const redis = () => {}, createStore = () => {}', 'exports createStore, redis'],
    ['an object by default', 'export default { redis: () => {} }', 'exports redis'],
    ['a string', `export default 'redis'`, 'exports a value of type string'],
    ['null', 'export default null', 'exports null'],
  ])('but %s is ADAPTER_INVALID', (_, code, what) => {
    const { error, at } = failureOfFoo({ 'index.js': code })
    expect(error.code).toBe('ADAPTER_INVALID')
    expect(error.message).toContain(`The adapter 'foo' (${at('index.js')}) ${what}`)
  })
})

/** Passes every check at start and has its methods on the prototype. */
class Server {
  readonly contract = 1
  readonly kind = 'server'
  readonly name = 'foo'
  readonly maxBytes = 1000
  readonly deadline = 1000
  create(): void {}
  read(): void {}
  update(): void {}
  destroy(): void {}
  close(): void {}
}

const SERVER_STORE = new Server()
const CLIENT_STORE = { contract: 1, kind: 'client', name: 'foo', maxBytes: 1000, seal() {}, open() {} }

function altered(store: object, changes: Readonly<Record<string, unknown>>): unknown {
  return Object.assign(Object.create(Object.getPrototypeOf(store)), store, changes)
}

describe('a store', () => {
  const NO_STORES: readonly (readonly [fault: string, store: unknown, why: string])[] = [
    ['nothing', undefined, 'it is undefined'],
    ['null', null, 'it is null'],
    ['a function', () => undefined, 'it is function'],
    ['a promise', Promise.resolve(SERVER_STORE), 'it is a promise; a store must connect on first use'],
    ['an object without a contract', altered(SERVER_STORE, { contract: undefined }), 'it has no contract'],
    [
      'a store of contract 2',
      altered(SERVER_STORE, { contract: 2 }),
      'it has contract 2, and this @sess/core needs contract 1',
    ],
    ['a store of no kind', altered(SERVER_STORE, { kind: undefined }), "its kind is neither 'server' nor 'client'"],
    ['a store without a name', altered(SERVER_STORE, { name: '' }), 'it has no name'],
    ...['create', 'read', 'update', 'destroy', 'close'].map(
      (method) =>
        [
          `a server store without ${method}`,
          altered(SERVER_STORE, { [method]: undefined }),
          `it has no method ${method}`,
        ] as const,
    ),
    ...['seal', 'open'].map(
      (method) =>
        [
          `a client store without ${method}`,
          altered(CLIENT_STORE, { [method]: 'x' }),
          `it has no method ${method}`,
        ] as const,
    ),
    ...[undefined, 0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1000', 1000n].flatMap((value) => [
      [
        `maxBytes of ${String(value)}`,
        altered(SERVER_STORE, { maxBytes: value }),
        'its maxBytes is not a positive integer',
      ] as const,
      [
        `a client's maxBytes of ${String(value)}`,
        altered(CLIENT_STORE, { maxBytes: value }),
        'its maxBytes is not a positive integer',
      ] as const,
      [
        `a deadline of ${String(value)}`,
        altered(SERVER_STORE, { deadline: value }),
        'its deadline is not a positive integer',
      ] as const,
    ]),
    ['a prune that is no method', altered(SERVER_STORE, { prune: true }), 'its prune is not a method'],
    ['a check that is no method', altered(SERVER_STORE, { check: [] }), 'its check is not a method'],
    ['lacks that is no array', altered(SERVER_STORE, { lacks: 'atomic' }), 'its lacks is not an array of'],
    [
      'lacks that is misspelt',
      altered(SERVER_STORE, { lacks: ['atomicity'] }),
      'its lacks is not an array of atomic, fresh, retention, durability',
    ],
  ]

  test.each(NO_STORES)('made by an adapter may not be %s', (_, store, why) => {
    const foo = () => store
    const error = thrownBy(() => start(foo, { secret: SECRET }))
    expect(error.code).toBe('ADAPTER_INVALID')
    expect(error.message).toContain(`What the adapter foo makes is not a store: ${why}`)
  })

  test.each(NO_STORES.filter(([, store]) => typeof store === 'object' && store !== null))(
    'that is passed may not be %s',
    (_, store, why) => {
      const error = thrownBy(() => start(store, { secret: SECRET }))
      expect(error.code).toBe('ADAPTER_INVALID')
      expect(error.message).toContain(`What sessions() was given is not a store: ${why}`)
    },
  )

  test('of a class has its methods on the prototype', () => {
    expect(() => start(SERVER_STORE, { secret: SECRET })).not.toThrow()
  })

  test.each([
    { lacks: ['atomic'], accept: [], word: 'atomic', effect: 'concurrent changes may be lost' },
    { lacks: ['fresh'], accept: [], word: 'fresh', effect: 'a logout may not take effect at once' },
    { lacks: ['atomic', 'fresh'], accept: ['atomic'], word: 'fresh', effect: 'a logout may not take effect at once' },
    {
      lacks: ['retention', 'fresh'],
      accept: ['atomic'],
      word: 'fresh',
      effect: 'a logout may not take effect at once',
    },
  ])('that lacks $lacks is refused where $accept is accepted', ({ lacks, accept, word, effect }) => {
    const error = thrownBy(() => start(altered(SERVER_STORE, { lacks }), { secret: SECRET, accept }))
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toContain(`The foo store is not ${word}: ${effect}`)
    expect(error.message).toContain(`accept: ['${word}']`)
  })

  test.each([
    { lacks: ['atomic', 'fresh'], accept: ['fresh', 'atomic'] },
    { lacks: ['retention', 'durability'], accept: [] },
    { lacks: [], accept: [] },
    { lacks: undefined, accept: [] },
  ])('that lacks $lacks is taken where $accept is accepted', ({ lacks, accept }) => {
    expect(() => start(altered(SERVER_STORE, { lacks }), { secret: SECRET, accept })).not.toThrow()
  })
})

describe('instead of a name', () => {
  test('an adapter is used as it is, given its options and never a secret', () => {
    const calls: unknown[][] = []
    const adapter: Adapter<{ url: string }> = (...given): Store => {
      calls.push(given)
      return memory({ scope: 'in place of a name' }, given[1])
    }
    sessions(adapter, { secret: SECRET, url: 'x', from: '/nowhere', cookie: { name: 'c' } })
    expect(calls).toEqual([
      [{ url: 'x' }, { cookie: { name: 'c', maxValueLength: expect.any(Number) }, keys: expect.any(Function) }],
    ])
    expect(JSON.stringify(calls)).not.toContain(SECRET)
  })

  test('what an adapter throws reaches the application as it is', () => {
    const thrown = new TypeError('the url is wrong')
    const adapter = (): Store => {
      throw thrown
    }
    expect(() => sessions(adapter, { secret: SECRET })).toThrow(thrown)
  })

  test('a store is used as it is, and left open', async () => {
    const store = new CountedStore()
    const sess = sessions(store, { secret: SECRET })
    const exchange = sess.exchange(null)
    Object.assign(await exchange.open(), { a: 1 })
    await exchange.commit(200)
    await sess.close()
    expect(store.methods).toEqual(['create'])
  })

  test("a store that an adapter made is closed with the application's sessions", async () => {
    const store = new CountedStore()
    await sessions(() => store, { secret: SECRET }).close()
    expect(store.methods).toEqual(['close'])
  })

  test('a store takes no options other than those of core', () => {
    const store = memory({ scope: 'no options' }, contextOfTests())
    const error = thrownBy(() => start(store, { secret: SECRET, url: 'x' }))
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toContain('"url"')
  })

  test.each([undefined, '', null, 0, 1, Number.NaN, true, 1n, Symbol('s')])('%s is INVALID_OPTION', (first) => {
    const error = thrownBy(() => start(first, { secret: SECRET }))
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toContain('The first argument of sessions() is')
  })

  test('a variable that is not set is asked for', () => {
    expect(thrownBy(() => start(process.env['NOT_SET'], { secret: SECRET })).message).toContain('is the variable set?')
  })
})
