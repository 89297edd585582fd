import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SECRET, ServerProcess } from './bookshelf.js'
import { Browser } from './browser.js'

const MEMORY = { SESSION_SECRET: SECRET, SESSION_STORE: 'memory' }

describe('the server', () => {
  it('makes a secret for development and says so', async () => {
    const server = new ServerProcess()
    const browser = new Browser(await server.origin())
    expect(server.output).toContain('SESSION_SECRET is not set: using a random one.')
    await browser.page('/')
    expect((await browser.page('/')).visits).toBe(2)
  })

  it('does not print the secret that it was given', async () => {
    const server = new ServerProcess({ SESSION_SECRET: SECRET })
    await server.origin()
    expect(server.output).not.toContain('SECRET')
    expect(server.output).not.toContain(SECRET)
  })

  it('with one secret, goes on with the sessions of the cookie store after a restart', async () => {
    const first = new ServerProcess({ SESSION_SECRET: SECRET })
    const browser = new Browser(await first.origin())
    await browser.page('/')
    await first.ended('SIGTERM')
    const again = new Browser(await new ServerProcess({ SESSION_SECRET: SECRET }).origin())
    again.cookie = browser.cookie
    expect((await again.page('/')).visits).toBe(2)
  })

  it('hands SESSION_OPTIONS to core and to the adapter', async () => {
    const options = { maxEntries: 1, cookie: { name: 'shelf' } }
    const server = new ServerProcess({ ...MEMORY, SESSION_OPTIONS: JSON.stringify(options) })
    const origin = await server.origin()
    const browser = new Browser(origin)
    await browser.page('/')
    expect(browser.cookie).toMatch(/^shelf=/)
    expect((await new Browser(origin).get('/')).status).toBe(503)
  })

  it.each([
    ['no secret in production', { NODE_ENV: 'production' }, 'Option secret is missing'],
    ['an empty secret', { SESSION_SECRET: '' }, 'Option secret is an empty string'],
    ['a short secret', { SESSION_SECRET: 'short' }, 'Option secret has 5 bytes'],
    ['a store that is not installed', { SESSION_STORE: 'memoryy' }, "Did you mean 'memory'?"],
    ['a path as the name of the store', { SESSION_STORE: '../memory' }, 'cannot be the name of an adapter'],
    ['an empty store name', { SESSION_STORE: '' }, 'is the variable set?'],
    ["another store's option", { SESSION_OPTIONS: '{"maxEntries":1}' }, '"maxEntries"'],
    ['options that are not JSON', { SESSION_OPTIONS: '{' }, 'SESSION_OPTIONS must be a JSON object'],
    ['options that are a list', { SESSION_OPTIONS: '[]' }, 'SESSION_OPTIONS must be a JSON object'],
    ['a port that is too high', { PORT: '65536' }, 'PORT must be a number'],
    ['an empty port', { PORT: '' }, 'PORT must be a number'],
  ])('does not start with %s', async (_what, env, message) => {
    const server = new ServerProcess(env)
    expect(await server.ended()).toBe(1)
    expect(server.output).toContain(`Bookshelf did not start: `)
    expect(server.output).toContain(message)
    expect(server.output).not.toContain('    at ')
  })

  it('does not start on a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const server = new ServerProcess({ PORT: String(port) })
    expect(await server.ended()).toBe(1)
    expect(server.output).toContain('address already in use')
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s, connections kept alive or not', async (signal) => {
    const server = new ServerProcess(MEMORY)
    await new Browser(await server.origin()).page('/')
    expect(await server.ended(signal)).toBe(0)
  })

  it('answers what is under way before it ends', async () => {
    const server = new ServerProcess(MEMORY)
    const origin = await server.origin()
    const headers = { 'content-type': 'application/x-www-form-urlencoded', expect: '100-continue' }
    const form = request(`${origin}/cart/add`, { method: 'POST', headers })
    form.flushHeaders()
    await once(form, 'continue')
    const ended = server.ended('SIGTERM')
    await refused(origin)
    form.end('book=souls')
    const [response] = await once(form, 'response')
    response.resume()
    expect([response.statusCode, await ended]).toEqual([303, 0])
  })
})

/** Resolves once the server refuses connections. */
async function refused(origin: string): Promise<void> {
  for (;;) {
    try {
      await (await fetch(`${origin}/style.css`, { headers: { connection: 'close' } })).text()
    } catch {
      return
    }
  }
}
