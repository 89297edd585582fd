import cookie from '@sess/adapter-cookie'
import { type CoreOptions, sessions } from '@sess/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { failureOf } from '../../../../tests/support/stores.ts'
import { CountedStore } from '../support/counted-store.ts'
import { thrownBy } from '../support/failure.ts'
import { Installation } from '../support/installation.ts'
import { SECRET } from '../support/secret.ts'

/** As in a process that nothing shows to be a build, whatever has started the tests. */
beforeEach(() => {
  for (const name of ['NEXT_PHASE', 'SVELTEKIT_FORK', 'npm_lifecycle_event']) vi.stubEnv(name, undefined)
})
afterEach(() => void vi.unstubAllEnvs())

const MISSING =
  /^Option secret is missing: no secret was set when this module was evaluated in a build step \(.+\)\. A build .+ Put one into the environment\. Make one with: /

describe('in a build step without a secret', () => {
  beforeEach(() => void vi.stubEnv('npm_lifecycle_event', 'build'))

  test.each<[string, CoreOptions['secret']]>([
    ['missing', undefined],
    ['no array of any', []],
    ['an array of unset ones', [undefined, undefined]],
  ])('every use is the error that sessions() would have thrown: %s', async (_, secret) => {
    const sess = sessions('cookie', { secret })
    const request = new Request('https://example.com/')
    const handled = sess.fetch(async () => Response.json(await sess.open(request)))
    const session = await sessions('cookie', { secret: SECRET }).exchange(null).open()
    const errors = [
      await failureOf(sess.open(request)),
      await failureOf(handled(request)),
      await failureOf(sess.read(request)),
      await failureOf(sess.inspect('sess=1')),
      await failureOf(sess.check()),
      await failureOf(sess.prune()),
      thrownBy(() => sess.exchange(null)),
      thrownBy(() => sess.id(session)),
      thrownBy(() => sess.expiresAt(session)),
      thrownBy(() => sess.discard(session)),
    ]
    for (const { code, message } of errors) {
      expect(code).toBe('INVALID_OPTION')
      expect(message).toMatch(MISSING)
      expect(message).toContain('(npm_lifecycle_event is build)')
    }
  })

  test('a fetch handler that opens no session answers: a page may be made in the build', async () => {
    const handled = sessions('cookie', { secret: undefined }).fetch((_, name: string) => new Response(name))
    expect(await (await handled(new Request('https://example.com/'), 'about')).text()).toBe('about')
  })

  test('the stack of the error points at the use', async () => {
    const sess = sessions('cookie', { secret: undefined })
    expect((await failureOf(() => sess.open(new Request('https://example.com/')))).stack).toMatch(
      /build-step\.test\.ts/,
    )
  })

  test('closing does nothing', async () => {
    const sess = sessions('cookie', { secret: undefined })
    await expect(sess.close()).resolves.toBeUndefined()
    await expect(sess[Symbol.asyncDispose]()).resolves.toBeUndefined()
  })

  test('the store that the adapter makes is closed', async () => {
    const store = new CountedStore()
    sessions(() => store, { secret: undefined })
    await vi.waitFor(() => expect(store.take()).toEqual(['close']))
  })

  test.each([[''], ['short'], [['short']], [[undefined, '']]])('a wrong secret is thrown: %j', (secret) => {
    expect(thrownBy(() => sessions('cookie', { secret })).message).toMatch(/^Option secret (?:is an empty|has 5)/)
  })

  test('what else is wrong is thrown', () => {
    const withOptions = (options: object) => () => sessions(cookie, { secret: undefined, ...options })
    expect(thrownBy(withOptions({ idleTimeout: -1 })).message).toMatch(/^Option sessions.idleTimeout is -1/)
    expect(thrownBy(withOptions({ maxBytes: -1 })).message).toMatch(/^Option adapter-cookie.maxBytes is -1/)
    expect(thrownBy(withOptions({ maxByte: 1 })).message).toMatch(/^Option adapter-cookie."maxByte" is not known/)
    expect(thrownBy(() => sessions('no-such', { secret: undefined })).code).toBe('ADAPTER_NOT_FOUND')
    expect(thrownBy(() => sessions('', { secret: undefined })).message).toMatch(/^The first argument/)
  })

  test('a secret makes sessions that work', async () => {
    const exchange = sessions(cookie, { secret: SECRET }).exchange(null)
    Object.assign(await exchange.open(), { user: 7 })
    expect((await exchange.commit(200)).map(([name]) => name)).toContain('set-cookie')
  })
})

describe('a variable shows a build step', () => {
  test.each([
    ['NEXT_PHASE', 'phase-production-build'],
    ['SVELTEKIT_FORK', 'true'],
    ['npm_lifecycle_event', 'build'],
    ['npm_lifecycle_event', 'build:server'],
  ])('%s=%s', async (name, value) => {
    vi.stubEnv(name, value)
    expect(
      (await failureOf(sessions('cookie', { secret: undefined }).read(new Request('https://a.example/')))).message,
    ).toContain(`(${name} is ${value})`)
  })

  test.each([
    ['NEXT_PHASE', 'phase-production-server'],
    ['npm_lifecycle_event', 'start'],
    ['npm_lifecycle_event', 'builder'],
    ['npm_lifecycle_event', 'test:build'],
    ['npm_lifecycle_event', ''],
  ])('or does not: %s=%s', (name, value) => {
    vi.stubEnv(name, value)
    expect(thrownBy(() => sessions('cookie', { secret: undefined })).message).toMatch(
      /^Option secret is missing: no secret is set\./,
    )
  })
})

describe('a command line', () => {
  const MAIN = `import { sessions } from '@sess/core'
    sessions('cookie', { secret: process.env.NO_SUCH_VARIABLE })
    console.log('evaluated')`

  /** `node build` is how SvelteKit's server is started. */
  test.each([
    [['main.mjs', 'build'], true],
    [['main.mjs', 'build', '--mode', 'test'], true],
    [['main.mjs'], false],
    [['main.mjs', 'start', 'build'], false],
    [['main.mjs', '--build'], false],
    [['build'], false],
  ])('node %j: a build step is %s', async (args, isBuild) => {
    const at = Installation.forTest().link('core', 'adapter-cookie')
    at.write({ 'main.mjs': MAIN, 'build/package.json': '{ "type": "module" }', 'build/index.js': MAIN })
    const { stdout, stderr } = await at.node(args, at.path, { npm_lifecycle_event: '', NEXT_PHASE: '' })
    expect(stdout).toBe(isBuild ? 'evaluated' : '')
    if (!isBuild) expect(stderr).toContain('Option secret is missing: no secret is set.')
  })
})
