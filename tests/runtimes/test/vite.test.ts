import { describe, expect, it } from 'vitest'
import { ANY_PORT } from '../../../docs/test/support/any-port.ts'
import { Document } from '../../../docs/test/support/document.ts'
import { Project, SECRET, toolPath } from './support/project.ts'
import { cookieOf, redisForTest, ToolServer } from './support/tool-server.ts'

const { files } = new Document('docs/guide/bundling.md')
const SESSION = files['lib/session.js'] ?? ''
const NAMED = SESSION.replace(/^import redis.*\n/, '').replace('sessions(redis', "sessions('redis'")

const VITE = toolPath('vite', 'vite/bin/vite.js')

/** The application of the page, whose handler also answers with the number of the last edit. */
function application(session: string): Project {
  const project = Project.inTool('vite').write({
    'package.json': JSON.stringify({ private: true, type: 'module' }),
    'server.js': files['server.js'] ?? '',
  })
  edit(project, session, 0)
  return project
}

function edit(project: Project, session: string, count: number): void {
  project.write({
    'lib/session.js': `${session}export const edit = ${count}\n`,
    'lib/handle.js': `import { edit } from './session.js'\n${files['lib/handle.js']}`.replace(
      '  const session',
      "  res.setHeader('edit', edit)\n  const session",
    ),
  })
}

describe.each([
  ['passed in', SESSION],
  ['by name', NAMED],
])('Vite, in development, with the store %s', (_, session) => {
  it('keeps the session and one connection when a file is edited', async () => {
    const project = application(session)
    const redis = await redisForTest()
    const server = await ToolServer.start(project, [`--import=${ANY_PORT}`, 'server.js'], {
      listening: /port (\d+)/,
      env: { SESSION_SECRET: SECRET, REDIS_URL: redis.url },
    })
    const first = await server.get('/')
    const cookie = cookieOf(first)
    expect([first.headers.get('edit'), await first.text()]).toEqual(['0', 'Visit number 1\n'])
    let visits = 1
    for (const count of [1, 2, 3]) {
      const seen = async () => {
        // Vite does not notice an edit from before it watches the file, and nothing says when it does.
        edit(project, session, count)
        const response = await server.get('/', cookie)
        visits = Number(/\d+/.exec(await response.text())?.[0])
        return response.headers.get('edit')
      }
      const before = visits
      await expect.poll(seen, { timeout: 60_000, interval: 500 }).toBe(String(count))
      expect(visits).toBeGreaterThan(before)
      expect(await redis.connections()).toBe(1)
    }
  })
})

describe('vite build without a secret', () => {
  /** Evaluates the bundle at the end of the build, as frameworks that prerender do. */
  const prerender = (use: string) => ({
    'vite.config.js': `export default { plugins: [{ name: 'prerender', async closeBundle() {
      const { sess } = await import(new URL('dist/session.js', 'file://' + process.cwd() + '/').href)
      ${use}
    } }] }`,
  })
  const build = (use: string) =>
    application(SESSION).write(prerender(use)).node(VITE, 'build', '--ssr', 'lib/session.js')

  it('evaluates the module', async () => {
    expect(await build("console.log('evaluated', typeof sess.open)")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('evaluated function'),
    })
  })

  it('fails if it uses the sessions, and says why', async () => {
    const { code, stderr } = await build('sess.exchange(null)')
    expect(code).toBe(1)
    expect(stderr).toContain('in a build step (the first argument of the command is build)')
  })
})
