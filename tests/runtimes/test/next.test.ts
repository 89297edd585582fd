import { describe, expect, it } from 'vitest'
import { Document } from '../../../docs/test/support/document.ts'
import { Project, SECRET, toolFolder, toolPath } from './support/project.ts'
import { cookieOf, redisForTest, ToolServer } from './support/tool-server.ts'

const { files } = new Document('docs/guide/bundling.md')
const SESSION = files['lib/session.js'] ?? ''
const ROUTE = files['app/visits/route.js'] ?? ''

/** The routes of the application: two that are on the page, and one whose store is named. */
const PATHS = ['/visits', '/other', '/named']

// The nightly run alone runs this file.

/** Building takes 20 to 50 seconds of a processor, and the first request of a development server ten. */
const PATIENCE = 400_000

const LISTENING = /http:\/\/127\.0\.0\.1:(\d+)/

class Application {
  readonly #project: Project
  readonly #next: string
  readonly #flags: readonly string[]

  constructor(tool: string, flags: readonly string[]) {
    const root = JSON.stringify(toolFolder(tool))
    this.#next = toolPath(tool, 'next/dist/bin/next')
    this.#flags = flags
    this.#project = Project.inTool(tool).write({
      'package.json': JSON.stringify({ private: true, type: 'module' }),
      'next.config.js': `export default { turbopack: { root: ${root} }, outputFileTracingRoot: ${root} }`,
      'lib/named.js': SESSION.replace(/^import redis.*\n/, '').replace('sessions(redis', "sessions('redis'"),
      'app/visits/route.js': ROUTE,
      'app/other/route.js': ROUTE,
      'app/absent/route.js': `import { sessions } from '@sess/core'
        export const dynamic = 'force-dynamic'
        export const GET = () => sessions('absent', { secret: process.env.SESSION_SECRET })`,
      'app/named/route.js': ROUTE.replace('lib/session.js', 'lib/named.js'),
    })
    this.edit(0)
  }

  /** Changes the module that calls `sessions`. The route `/edit` shows which edit the server has. */
  edit(edit: number): void {
    this.#project.write({
      'lib/session.js': `${SESSION}export const edit = ${edit}\n`,
      'app/edit/route.js': `import { edit } from '../../lib/session.js'
        export const dynamic = 'force-dynamic'
        export const GET = () => Response.json(edit)`,
    })
  }

  build() {
    return this.#project.node(this.#next, 'build', ...this.#flags)
  }

  serve(command: 'start' | 'dev', env: NodeJS.ProcessEnv): Promise<ToolServer> {
    const flags = command === 'dev' ? this.#flags : []
    return ToolServer.start(this.#project, [this.#next, command, '-p', '0', '-H', '127.0.0.1', ...flags], {
      listening: LISTENING,
      env,
    })
  }
}

/** Visits each route once, with one cookie. Resolves with the number of visits that each answered. */
async function visitAll(server: ToolServer): Promise<unknown> {
  let cookie = ''
  const visits: unknown[] = []
  for (const path of PATHS) {
    const response = await server.get(path, cookie)
    cookie = cookieOf(response) || cookie
    visits.push(await response.json())
  }
  return visits
}

const THREE = [{ visits: 1 }, { visits: 2 }, { visits: 3 }]

const TOOLS: readonly (readonly [name: string, tool: string, flags: readonly string[]])[] = [
  ['16 with Turbopack', 'next-16', []],
  ['16 with webpack', 'next-16', ['--webpack']],
  ['15 with webpack', 'next-15', []],
]

describe.each(TOOLS)('Next %s', (_, tool, flags) => {
  it(
    'builds without a secret; the routes then share a session and a connection, by name too',
    async () => {
      const application = new Application(tool, flags)
      expect(await application.build()).toMatchObject({ code: 0 })
      const redis = await redisForTest()
      const server = await application.serve('start', { SESSION_SECRET: SECRET, REDIS_URL: redis.url })
      expect(await visitAll(server)).toEqual(THREE)
      expect(await redis.connections()).toBe(1)
      expect((await server.get('/absent')).status).toBe(500)
      await server.prints('which includes only what it imports: pass the adapter instead of its name.')

      const secretless = await application.serve('start', { REDIS_URL: redis.url })
      expect((await secretless.get('/visits')).status).toBe(500)
      await secretless.prints('Option secret is missing: no secret is set. Put one into the environment.')
    },
    PATIENCE,
  )

  it(
    'keeps one connection when a file is edited in development',
    async () => {
      const application = new Application(tool, flags)
      const redis = await redisForTest()
      const server = await application.serve('dev', { SESSION_SECRET: SECRET, REDIS_URL: redis.url })
      expect(await visitAll(server)).toEqual(THREE)
      // Next does not notice the edit of a module that a route uses for the first time after it.
      expect(await (await server.get('/edit')).text()).toBe('0')
      for (const edit of [1, 2, 3]) {
        const seen = async () => {
          // Next does not notice an edit from before it watches the file, and nothing says when it does.
          application.edit(edit)
          return (await server.get('/edit')).text()
        }
        await expect.poll(seen, { timeout: 60_000, interval: 1000 }).toBe(String(edit))
        expect(await visitAll(server)).toEqual(THREE)
        expect(await redis.connections()).toBe(1)
      }
    },
    PATIENCE,
  )
})
