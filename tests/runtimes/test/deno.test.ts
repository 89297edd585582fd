import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { Document } from '../../../docs/test/support/document.ts'
import { startMemcached } from '../../../scripts/servers/memcached.js'
import { startRedis } from '../../../scripts/servers/redis.js'
import { Project, SECRET } from './support/project.ts'

const DENO = fileURLToPath(new URL('../node_modules/.bin/deno', import.meta.url))

/** The rows of the page's table of permissions: the stores, and the flags. */
const [, section = ''] = new Document('docs/guide/installation.md').prose.split('\n### Deno\n')
const PERMISSIONS = new Map(
  [...section.matchAll(/^\| ([a-z][^|]*?) +\| (none|`[^`]+`) +\|$/gm)].map(([, stores = '', flags = '']) => [
    stores.replace(/ \(.*/, ''),
    flags === 'none' ? [] : flags.replaceAll('`', '').split(' '),
  ]),
)

/** Stores a session, and prints the name of its cookie. */
const PROGRAM = `const handle = sess.fetch(async (request) => {
  const session = await sess.open(request)
  session.user = 'ada'
  return new Response()
})
const answer = await handle(new Request('http://localhost/'))
console.log(answer.status, answer.headers.get('set-cookie')?.split('=')[0])
await sess.close()
`

const byName = (name: string, options: object = {}) =>
  `import { sessions } from '@sess/core'
  const sess = sessions('${name}', ${JSON.stringify({ secret: SECRET, ...options })})
  ${PROGRAM}`

async function run(text: string, flags: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const project = Project.withPackages().write({ 'main.js': text })
  mkdirSync(project.at('data'))
  // The packages are in the folder above.
  const given = flags.map((flag) => flag.replaceAll('node_modules', inject('folder')))
  return project.run(DENO, ['run', '--no-prompt', ...given, 'main.js'], env)
}

const STORED = { code: 0, stdout: '200 sess\n', stderr: '' }

/** What each store is given, and the address on the page that the test replaces by that of its server. */
const BACKENDS: Readonly<Record<string, () => Promise<readonly [options: object, flags: readonly string[]]>>> = {
  async memcache() {
    const server = await startMemcached()
    onTestFinished(() => server.stop())
    return [{ servers: server.address }, permissions('memcache', '127.0.0.1:11211', server.address)]
  },
  async redis() {
    const server = await startRedis()
    onTestFinished(() => server.stop())
    return [{ url: server.url }, permissions('redis', '127.0.0.1:6379', `127.0.0.1:${server.port}`)]
  },
  sqlite: () => Promise.resolve([{ file: 'data/sessions.sqlite' }, permissions('sqlite')]),
}

const permissions = (store: string, shown = '', actual = '') =>
  (PERMISSIONS.get(store) ?? ['the page has no such row']).map((flag) => flag.replace(shown, actual))

describe('on Deno, with the permissions of the page and no others', () => {
  it.each(['cookie', 'memory'])('the %s store by name needs none', async (name) => {
    expect(PERMISSIONS.get('cookie, memory')).toEqual([])
    expect(await run(byName(name), ['--deny-env', '--deny-read'])).toEqual(STORED)
  })

  it('an adapter that is passed in needs none', async () => {
    const text = `import cookie from '@sess/adapter-cookie'\n${byName('').replace("sessions('',", 'sessions(cookie,')}`
    expect(await run(text, [])).toEqual(STORED)
  })

  it.each(Object.entries(BACKENDS))('the %s store stores a session, and needs each of them', async (name, start) => {
    const [options, flags] = await start()
    expect(await run(byName(name, options), flags)).toEqual(STORED)
    for (const flag of flags) {
      const fewer = await run(
        byName(name, options),
        flags.filter((other) => other !== flag),
      )
      expect([flag, fewer.stdout]).not.toEqual([flag, STORED.stdout])
    }
  })
})

describe('on Deno, NODE_ENV', () => {
  const production = { NODE_ENV: 'production' }

  it('counts as not set if it may not be read, as the page says', async () => {
    expect(await run(byName('memory'), ['--deny-env'], production)).toEqual(STORED)
    const allowed = await run(byName('memory'), ['--allow-env=NODE_ENV'], production)
    expect(allowed.stdout).toBe('200 __Host-sess\n')
  })

  it.each([
    ['memory', {}, ['NODE_ENV']],
    ['memory', { cookie: { secure: true } }, []],
    ['cookie', { cookie: { secure: false } }, []],
  ])('is the only variable that core reads: the %s store with %j reads %j', async (name, options, names) => {
    const watch = `const { default: process } = await import('node:process')
      const names = []
      process.env = new Proxy({}, { get: (_, name) => void names.push(name) })
      await import('./app.js')
      console.log(JSON.stringify(names))`
    const project = Project.withPackages().write({ 'main.js': watch, 'app.js': byName(name, options) })
    const { stdout } = await project.run(DENO, ['run', '--no-prompt', 'main.js'])
    expect(stdout.trim().split('\n').at(-1)).toBe(JSON.stringify(names))
  })
})

it('Deno is asked for no permission by a missing secret, at start and in a build', async () => {
  const project = Project.withPackages().write({
    'main.js': `import cookie from '@sess/adapter-cookie'
      import { sessions } from '@sess/core'
      sessions(cookie, { secret: undefined })
      console.log('evaluated')`,
  })
  const evaluate = (...args: readonly string[]) => project.run(DENO, ['run', '--no-prompt', 'main.js', ...args])
  expect(await evaluate('build')).toEqual({ code: 0, stdout: 'evaluated\n', stderr: '' })
  expect((await evaluate()).stderr).toContain('Option secret is missing: no secret is set.')
})

it.each([[[]], [['--allow-read']]])('on Deno with %j, a missing adapter is not taken for a bundle', async (flags) => {
  const { stderr } = await run(byName('redys'), flags)
  const [message = ''] = /No adapter 'redys'.+/.exec(stderr) ?? []
  expect(message).not.toContain('bundle')
  expect(message.includes("Did you mean 'redis'? Installed: ")).toBe(flags.length > 0)
})
