import type { RequestListener } from 'node:http'
import { isSessError } from '@sess/core/adapter'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { HttpBrowser } from '../support/http-browser.js'
import { Installation } from '../support/installation.js'
import { OTHER_SECRET, SECRET } from '../support/secret.js'
import { serve } from '../support/served.js'

/**
 * Follows the session guide of Hanami 1.3 and 2.1 (guides.hanamirb.org, Actions, Sessions): each describe is one of
 * its headings, each test one of its sentences.
 */

interface Program {
  readonly listener: RequestListener
  /** The calls that the adapter `foo` received. */
  readonly log: string[]
}

/** An application whose only line about sessions is `line`. The request's path is the command: /assign/key/value. */
const program = (line: string) => `
  import { sessions } from '@sess/core'

  export const log = []
  const secret = '${SECRET}'
  const sess = ${line}

  export async function listener(req, res) {
    const [, verb, key, value] = req.url.split('/')
    if (verb === 'about') return res.end('about')
    try {
      const session = await sess.open(req, res)
      if (verb === 'assign') session[key] = value
      if (verb === 'remove') session[key] = null
      res.end(session[key] ?? 'nothing')
    } catch (error) {
      res.statusCode = error.status
      res.end(error.message)
    }
  }`

/** A third-party adapter: it stores entries in a map and logs its calls to the array in its options. */
const FOO = `
  import { randomUUID } from 'node:crypto'
  import { serverStore } from '@sess/core/adapter'

  export default function foo({ log, ...others }) {
    const entries = new Map()
    const put = (key, entry) => {
      const version = randomUUID()
      entries.set(key, { ...entry, version })
      return version
    }
    log.push('made with ' + JSON.stringify(others))
    return serverStore({
      name: 'foo',
      maxBytes: 100_000,
      deadline: 1000,
      create: async (key, entry) => (log.push('create'), entries.has(key) ? null : put(key, entry)),
      read: async (key) => (log.push('read'), entries.get(key) ?? null),
      update: async (key, entry, version) => (entries.get(key)?.version === version ? put(key, entry) : null),
      destroy: async (key) => void entries.delete(key),
      close: async () => undefined,
    })
  }`

/** Starts an application with that line; our adapters and the third-party one are installed. */
async function start(line: string, application = Installation.forTest()): Promise<Program> {
  application
    .link('core', 'adapter-cookie', 'adapter-memory')
    .install('sess-adapter-foo', { 'index.js': FOO })
    .write({ 'package.json': '{"type":"module"}', 'main.js': program(line) })
  const started: Program = await import(application.at('main.js'))
  return started
}

async function browse(line: string): Promise<HttpBrowser> {
  const { listener } = await start(line)
  return new HttpBrowser(await serve(listener))
}

/** The error of an application that fails at start, with its own folder as the working directory. */
async function failureOf(line: string) {
  const application = Installation.forTest()
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue(application.path)
  onTestFinished(() => cwd.mockRestore())
  const [failure] = await Promise.allSettled([start(line, application)])
  if (failure.status === 'rejected' && isSessError(failure.reason)) return failure.reason
  throw new Error('expected the start to fail')
}

let scopes = 0
/** The arguments for a memory store that no other test uses. */
const memory = () => `'memory', { secret, scope: 'hanami ${++scopes}' }`

describe('Enable Sessions', () => {
  test('"Sessions are available, but not enabled by default": no cookie is set, and opening one says how to enable them', async () => {
    const browser = await browse('sessions(false)')
    expect(await browser.get('/about')).toEqual({ status: 200, body: 'about', setCookie: [] })
    const { status, body, setCookie } = await browser.get('/assign/a/foo')
    expect(status).toBe(500)
    expect(body).toContain('Sessions are off')
    expect(body).toContain("sessions('cookie', { secret: process.env.SESSION_SECRET })")
    expect(setCookie).toEqual([])
  })

  test('"If we want to turn on this feature, we just need to uncomment a line": that line alone differs', async () => {
    const browser = await browse(`sessions('cookie', { secret })`)
    expect(await browser.get('/about')).toEqual({ status: 200, body: 'about', setCookie: [] })
    expect(await browser.get('/assign/a/foo')).toMatchObject({
      status: 200,
      setCookie: [expect.stringMatching(/^sess=/)],
    })
    expect(await browser.get('/read/a')).toMatchObject({ status: 200, body: 'foo' })
  })

  test('"The first argument is the name of the adapter": the line picks who keeps the sessions', async () => {
    const kept = await browse(`sessions(${memory()})`)
    await kept.get('/assign/a/foo')
    const sealed = await browse(`sessions('cookie', { secret })`)
    await sealed.get(`/assign/a/${'x'.repeat(1000)}`)
    await kept.get(`/assign/b/${'x'.repeat(1000)}`)
    expect(kept.jar.get('sess')).toHaveLength(64)
    expect(sealed.jar.get('sess')?.length).toBeGreaterThan(1000)
  })

  test('"The default value is cookie"', async () => {
    const unnamed = await browse('sessions({ secret })')
    await unnamed.get('/assign/a/foo')
    const named = await browse(`sessions('cookie', { secret })`)
    for (const [name, value] of unnamed.jar) named.jar.set(name, value)
    expect(await named.get('/read/a')).toMatchObject({ body: 'foo' })
  })

  test('"We can use a different storage": a stranger\'s, which keeps the sessions from then on', async () => {
    const { listener, log } = await start(`sessions('foo', { secret, log })`)
    const browser = new HttpBrowser(await serve(listener))
    await browser.get('/assign/a/foo')
    expect(await browser.get('/read/a')).toMatchObject({ body: 'foo' })
    expect(log.slice(1)).toEqual(['create', 'read'])
  })

  test('"Let\'s say we want to use Redis": what is not installed is asked for by name', async () => {
    const { code, message } = await failureOf(`sessions('redis', { secret })`)
    expect(code).toBe('ADAPTER_NOT_FOUND')
    expect(message).toContain('npm install @sess/adapter-redis')
  })

  test('"is able to autoload the adapter and use it when the application is started": before any request', async () => {
    const { log } = await start(`sessions('foo', { secret, log })`)
    expect(log).toEqual(['made with {}'])
  })

  test('"Custom storage technologies are autoloaded via require": by name, from what the application has installed', async () => {
    const application = Installation.forTest().install('@sess/adapter-bar', { 'index.js': FOO })
    const { log } = await start(`sessions('bar', { secret, log })`, application)
    expect(log).toEqual(['made with {}'])
    expect((await failureOf(`sessions('bar', { secret, log })`)).message).toContain(
      'looked for @sess/adapter-bar and sess-adapter-bar',
    )
  })

  test('"The second argument is a Hash of options that are passed to the adapter": all but core\'s own', async () => {
    const { log } = await start(`sessions('foo', { secret, log, idleTimeout: '1h', cookie: {}, url: 'x', depth: [1] })`)
    expect(log).toEqual(['made with {"url":"x","depth":[1]}'])
  })

  test('"We find only a default secret": without it there is no start', async () => {
    const { code, message } = await failureOf(`sessions('memory', { secret: undefined })`)
    expect(code).toBe('INVALID_OPTION')
    expect(message).toContain('secret')
  })

  test('"but we can specify all the values that are supported by the current adapter": and no other', async () => {
    await start(`sessions('memory', { secret, scope: 'of its own', maxEntries: 10, maxBytes: 1000 })`)
    const { code, message } = await failureOf(`sessions('memory', { secret, maxEntriez: 10 })`)
    expect(code).toBe('INVALID_OPTION')
    expect(message).toContain('maxEntriez')
  })

  test('"key" and "expire_after": the cookie\'s name, and how long the browser keeps it', async () => {
    const browser = await browse(
      `sessions({ secret, cookie: { name: 'bookshelf.session', persistent: true }, idleTimeout: '365d', absoluteTimeout: '365d' })`,
    )
    const { setCookie } = await browser.get('/assign/a/foo')
    expect(setCookie).toEqual([expect.stringMatching(/^bookshelf\.session=[^;]+; Max-Age=31536000;/)])
  })
})

const STORES: readonly (readonly [name: string, args: () => string])[] = [
  ['cookie', () => `'cookie', { secret }`],
  ['memory', memory],
  ['foo', () => `'foo', { secret, log }`],
]

describe('Usage', () => {
  test.each(STORES)('"Sessions behave like a Hash: we can read, assign and remove values": on %s', async (_, args) => {
    const browser = await browse(`sessions(${args()})`)
    const bodies: string[] = []
    for (const path of ['/read/a', '/assign/a/foo', '/read/a', '/read/b', '/remove/a', '/read/a'])
      bodies.push((await browser.get(path)).body)
    expect(bodies).toEqual(['nothing', 'foo', 'foo', 'nothing', 'nothing', 'nothing'])
  })

  test.each(STORES)('and each visitor has a hash of their own: on %s', async (_, args) => {
    const { listener } = await start(`sessions(${args()})`)
    const port = await serve(listener)
    const [one, other] = [new HttpBrowser(port), new HttpBrowser(port)]
    await one.get('/assign/a/one')
    await other.get('/assign/a/other')
    expect([(await one.get('/read/a')).body, (await other.get('/read/a')).body]).toEqual(['one', 'other'])
  })
})

describe('Sharing session values between applications', () => {
  /** A browser at one host that serves two applications. */
  async function mount(web: string, admin: string): Promise<HttpBrowser> {
    const [first, second] = await Promise.all([start(web), start(admin)])
    const port = await serve((req, res) => {
      const isAdmin = req.url?.startsWith('/admin/') === true
      req.url = req.url?.replace(/^\/(web|admin)/, '')
      if (isAdmin) second.listener(req, res)
      else first.listener(req, res)
    })
    return new HttpBrowser(port)
  }

  /** Only these are shared: the same name gives the same store everywhere in a process. */
  const SHARED = STORES.filter(([name]) => name !== 'foo')

  test.each(SHARED)(
    '"we must provide the same session secret": a value set in one is read in the other, on %s',
    async (_, args) => {
      const line = `sessions(${args()})`
      const browser = await mount(line, line)
      await browser.get('/web/assign/a/foo')
      expect(await browser.get('/admin/read/a')).toMatchObject({ body: 'foo' })
      await browser.get('/admin/assign/b/bar')
      expect(await browser.get('/web/read/b')).toMatchObject({ body: 'bar' })
      await browser.get('/admin/remove/a')
      expect(await browser.get('/web/read/a')).toMatchObject({ body: 'nothing' })
    },
  )

  test.each(SHARED)('under another secret it is invisible, on %s', async (_, args) => {
    const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
    onTestFinished(() => warning.mockRestore())
    const line = `sessions(${args()})`
    const browser = await mount(line, line.replace('secret', `secret: "${OTHER_SECRET}"`))
    await browser.get('/web/assign/a/foo')
    expect(await browser.get('/admin/read/a')).toEqual({ status: 200, body: 'nothing', setCookie: [] })
    expect(await browser.get('/web/read/a')).toMatchObject({ body: 'foo' })
  })

  test.each(SHARED)('under another cookie name each has its own, on %s', async (_, args) => {
    const line = `sessions(${args()})`
    const browser = await mount(line, line.replace('{ secret', `{ cookie: { name: 'admin' }, secret`))
    await browser.get('/web/assign/a/foo')
    await browser.get('/admin/assign/a/bar')
    expect(await browser.get('/web/read/a')).toMatchObject({ body: 'foo' })
    expect(await browser.get('/admin/read/a')).toMatchObject({ body: 'bar' })
    expect([...browser.jar.keys()]).toEqual(['sess', 'admin'])
  })
})
