import { createRequire } from 'node:module'
import memory from '@sess/adapter-memory'
import { SessError, sessions } from '@sess/core'
import { createAdapterContext } from '@sess/core/adapter'
import { describe, expect, test } from 'vitest'
import { thrownBy } from '../support/failure.ts'
import { HttpBrowser } from '../support/http-browser.js'
import { SECRET } from '../support/secret.js'
import { Handling, serve } from '../support/served.js'

/** Second copies, as a process gets them from `require` next to `import`, or from two bundles. */
const require = createRequire(import.meta.url)
const other = require('../../dist/index.cjs') as typeof import('@sess/core')
const otherMemory = require('../../../adapter-memory/dist/index.cjs') as { readonly default: typeof memory }

test('the copies are two', () => {
  expect(other.sessions).not.toBe(sessions)
  expect(other.SessError).not.toBe(SessError)
  expect(otherMemory.default).not.toBe(memory)
})

describe('instanceof SessError', () => {
  const thrown = thrownBy(() => other.sessions('', { secret: SECRET }))

  test('is true for an error of another copy', () => {
    expect(thrown).toBeInstanceOf(SessError)
    expect(new SessError('CLOSED', '')).toBeInstanceOf(other.SessError)
  })

  test.each([new Error('a'), new TypeError('a'), { code: 'CLOSED', status: 500 }, null, undefined, 'SessError'])(
    'is false for %s',
    (value) => {
      expect(value).not.toBeInstanceOf(SessError)
    },
  )

  test('of a class that extends it is true for its own alone', () => {
    class ShopError extends SessError {}
    expect(new ShopError('CLOSED', '')).toBeInstanceOf(ShopError)
    expect(new ShopError('CLOSED', '')).toBeInstanceOf(SessError)
    expect(new SessError('CLOSED', '')).not.toBeInstanceOf(ShopError)
    expect(thrown).not.toBeInstanceOf(ShopError)
  })
})

describe.each<[string, Parameters<typeof sessions>[0], Parameters<typeof sessions>[0]]>([
  ['memory', 'memory', 'memory'],
  ['cookie', 'cookie', 'cookie'],
  ['passed in, in two copies,', memory, otherMemory.default],
])('two slices, each with its own copy of core, on the store %s', (_, store, otherStore) => {
  const slices = () => ({
    main: sessions(store, { secret: SECRET }),
    admin: other.sessions(otherStore, { secret: SECRET }),
  })

  test('see one session in a request, and send one cookie', async () => {
    const { main, admin } = slices()
    const port = await serve(
      new Handling<void>(async (request, response) => {
        const session = await main.open(request, response)
        session['main'] = Number(session['main'] ?? 0) + 1
        const second = await admin.open(request, response)
        second['admin'] = Number(second['admin'] ?? 0) + 10
        response.end(JSON.stringify({ ...session }))
      }).listener,
    )
    const browser = new HttpBrowser(port)
    await browser.get('/')
    expect(JSON.parse((await browser.get('/')).body)).toEqual({ main: 2, admin: 20 })
    const response = await fetch(`http://127.0.0.1:${port}`)
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^sess=/)])
  })

  test('know the session that the other opened', async () => {
    const { main, admin } = slices()
    const exchange = main.exchange(null)
    const session = await exchange.open()
    session['a'] = 1
    expect(admin.id(session)).toBe(main.id(session))
    expect(admin.expiresAt(session)).toEqual(main.expiresAt(session))
    admin.discard(session)
    expect((await exchange.commit(200)).map(([name]) => name)).not.toContain('set-cookie')
  })

  test('keep the cookie of what the other has stored when a response fails, though theirs differ', async () => {
    const onError = () => undefined
    const main = sessions(store, { secret: SECRET })
    const admin = other.sessions(otherStore, { secret: SECRET, cookie: { name: 'admin' }, onError })
    const port = await serve(
      new Handling<void>(async (request, response) => {
        const session = await main.open(request, response)
        session['a'] = 1
        await session.save()
        const failing = await admin.open(request, response)
        failing['b'] = 'x'.repeat(5_000_000)
        response.end()
      }).listener,
    )
    const response = await fetch(`http://127.0.0.1:${port}`)
    expect(response.status).toBe(500)
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^sess=/)])
  })
})

test('two copies of the memory store have one memory', async () => {
  const context = createAdapterContext({ secret: SECRET })
  const scope = 'copies-test'
  const [one, two] = [memory({ scope }, context), otherMemory.default({ scope }, context)]
  if (one.kind !== 'server' || two.kind !== 'server') throw new Error('expected server stores')
  const version = await one.create('key', { data: '{}', expiresAt: Date.now() + 60_000 })
  expect(await two.read('key')).toMatchObject({ data: '{}', version })
  await two.destroy('key')
  expect(await one.read('key')).toBeNull()
  await Promise.all([one.close(), two.close()])
})

test('a store that one copy made is used by another', async () => {
  const store = otherMemory.default({ scope: 'copies-test-store' }, createAdapterContext({ secret: SECRET }))
  const exchange = sessions(store, { secret: SECRET }).exchange(null)
  Object.assign(await exchange.open(), { a: 1 })
  expect(await exchange.commit(200)).toHaveLength(3)
  if (store.kind === 'server') await store.close()
})

test('what the copies share shows nothing of a session but what sessions show', async () => {
  const exchange = sessions('memory', { secret: SECRET }).exchange(null)
  const session = await exchange.open()
  session['a'] = 1
  const shared: unknown = Reflect.get(globalThis, Symbol.for('@sess/core session/1'))
  if (typeof shared !== 'object' || shared === null) throw new Error('expected what is shared')
  const handles = Object.values(shared).map((key: symbol): unknown => Reflect.get(session, key))
  expect(handles).toHaveLength(1)
  for (const handle of handles) {
    expect(Reflect.ownKeys(Object(handle))).toEqual([])
    expect(handle).not.toHaveProperty('commit')
    expect(handle).not.toHaveProperty('cookie')
  }
})
