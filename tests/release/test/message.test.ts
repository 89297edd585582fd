import { once } from 'node:events'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { get } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Served, serve } from './support/command.ts'
import { expectShown, outputsOf, sectionsOf } from './support/page.ts'
import { Project } from './support/project.ts'
import { SECRET, TEN_LINES } from './support/ten-lines.ts'

const sections = sectionsOf('docs/guide/troubleshooting.md')

/** The folder of the application and the address of Redis, as on the page. */
const SHOP = '/srv/shop'
const REDIS = '127.0.0.1:6379'

let small: Project
let full: Project
beforeAll(async () => {
  small = await new Project().manifest({ type: 'module' }).install('@sess/core', '@sess/adapter-cookie')
  full = small.copy()
  // This version of better-sqlite3 contains no binary, on any Node.
  await full.install('@sess/adapter-memory', '@sess/adapter-redis', '@sess/adapter-sqlite', 'better-sqlite3@12.11.1')
})
afterAll(() => {
  small.remove()
  full.remove()
})

const tenLines = (store: string) => TEN_LINES.replace(/sessions\(.*\)/, store)

/** The stderr of a server that fails to start, with the folder named as on the page. */
async function stderrOf(project: Project, store: string, file = 'server.mjs', env: NodeJS.ProcessEnv = {}) {
  project.write({ [file]: tenLines(store) })
  const { code, stderr } = await project.node([file], project.path, { SESSION_SECRET: SECRET, ...env })
  expect(code).toBe(1)
  return stderr.replaceAll(project.path, SHOP)
}

const messageIn = (stderr: string) => stderr.split('\n').find((line) => /^(?:SessError|\(node:\d+\))/.test(line)) ?? ''

const messageOf = async (...args: Parameters<typeof stderrOf>) => messageIn(await stderrOf(...args))

/** Starts a server until the test ends. */
async function start(project: Project, program: string, env: NodeJS.ProcessEnv = {}): Promise<Served> {
  project.write({ 'server.mjs': program })
  const server = await serve(['server.mjs'], project.path, { SESSION_SECRET: SECRET, ...env })
  onTestFinished(() => server.stop())
  return server
}

/** The first message of the server, with the process id as on the page. */
async function saidBy(server: Served): Promise<string> {
  await expect.poll(() => server.stderr(), { timeout: 20_000 }).toContain('\n')
  return messageIn(server.stderr()).replace(/^\(node:\d+\)/, '(node:1234)')
}

/** A loopback port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

/** Produces the output that each section of the page shows, by the installed packages. */
const CASES: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  'No secret is set': async () => [
    await stderrOf(small, "sessions('cookie', { secret: process.env.SESSION_SECRET })", 'server.mjs', {
      SESSION_SECRET: undefined,
    }),
  ],
  'No secret was set in a build': async () => {
    const env = { SESSION_SECRET: undefined, npm_lifecycle_event: 'build' }
    const server = await start(small, TEN_LINES, env)
    await fetch(server.address).catch(() => undefined)
    return [messageIn(await server.ended)]
  },
  'An option is not known': async () => [
    await messageOf(full, "sessions('redis', { secret: process.env.SESSION_SECRET, ulr: process.env.REDIS_URL })"),
    await messageOf(full, "sessions('cookie', { secret: process.env.SESSION_SECRET, idleTimout: '2h' })"),
  ],
  'The adapter is not installed': async () => [
    await messageOf(small, "sessions('redis', { secret: process.env.SESSION_SECRET })"),
  ],
  'The adapter is misspelt': async () => [
    await messageOf(full, "sessions('reddis', { secret: process.env.SESSION_SECRET })"),
  ],
  'The adapter is installed in another package of the repository': async () => {
    const monorepo = full.copy()
    onTestFinished(() => monorepo.remove())
    mkdirSync(monorepo.at('apps/web/node_modules/@sess'), { recursive: true })
    const redis = 'node_modules/@sess/adapter-redis'
    renameSync(monorepo.at(redis), monorepo.at('apps/web', redis))
    const file = 'packages/session/index.mjs'
    const message = await messageOf(monorepo, "sessions('redis', { secret: process.env.SESSION_SECRET })", file)
    // The fix that the page suggests works.
    await start(monorepo, tenLines("sessions('redis', { secret: process.env.SESSION_SECRET, from: 'apps/web' })"))
    return [message]
  },
  'The adapter is for another version of core': async () => {
    full.write({
      'node_modules/sess-adapter-future/package.json':
        '{ "name": "sess-adapter-future", "type": "module", "exports": "./index.js" }',
      'node_modules/sess-adapter-future/index.js': `import memory from '@sess/adapter-memory'
        export default (options, context) => ({ ...memory(options, context), contract: 2 })`,
    })
    return [await messageOf(full, "sessions('future', { secret: process.env.SESSION_SECRET })")]
  },
  'A package that the adapter needs is missing': async () => {
    const broken = full.copy()
    onTestFinished(() => broken.remove())
    rmSync(broken.at('node_modules/ioredis'), { recursive: true })
    return [await messageOf(broken, "sessions('redis', { secret: process.env.SESSION_SECRET })")]
  },
  'better-sqlite3 cannot be loaded': async () => [
    await messageOf(full, "sessions('sqlite', { secret: process.env.SESSION_SECRET, file: 'sessions.sqlite' })"),
  ],
  SESS_PLAIN_HTTP: async () => {
    const server = await start(small, TEN_LINES)
    const { port } = new URL(server.address)
    await once(get({ host: '127.0.0.1', port, headers: { host: 'shop.example' } }), 'response')
    return [await saidBy(server)]
  },
  SESS_FOREIGN_TOKEN: async () => {
    const [one, other] = [
      await start(small, TEN_LINES),
      await start(small, TEN_LINES, { SESSION_SECRET: `another ${SECRET}` }),
    ]
    const cookie = (await fetch(one.address)).headers.getSetCookie()[0]?.split(';')[0] ?? ''
    await fetch(other.address, { headers: { cookie } })
    return [await saidBy(other)]
  },
  SEALED: async () => {
    const late = TEN_LINES.replace('const visits', "res.write('Hello. ')\n  const visits")
    const server = await start(small, late)
    await fetch(server.address).catch(() => undefined)
    return [messageIn(await server.ended)]
  },
  UNAVAILABLE: async () => {
    const port = await closedPort()
    const store = "sessions('redis', { secret: process.env.SESSION_SECRET, url: process.env.REDIS_URL })"
    const server = await start(full, tenLines(store), { REDIS_URL: `redis://127.0.0.1:${port}` })
    const response = await fetch(server.address)
    expect(response.status).toBe(503)
    await expect.poll(() => server.stderr(), { timeout: 20_000 }).toContain('\n}\n')
    return [server.stderr().replaceAll(`127.0.0.1:${port}`, REDIS)]
  },
}

/** Only some users may mount a file. packages/adapter-sqlite/test/mount.test.ts compares this message. */
const TESTED_BY_ITS_STORE = 'The file of the sqlite store is mounted without its folder'

describe('the page of messages', () => {
  it.each(Object.entries(CASES))('shows the actual output: %s', async (heading, make) => {
    const made = await make()
    const shown = outputsOf(sections.get(heading))
    expect(shown).toHaveLength(made.length)
    for (const [index, output] of made.entries()) expectShown(shown[index], output)
  })

  it('shows nothing else', () => {
    expect([...sections.keys()].filter((heading) => heading !== TESTED_BY_ITS_STORE)).toEqual(Object.keys(CASES))
  })
})
