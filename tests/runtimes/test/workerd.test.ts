import { describe, expect, it } from 'vitest'
import { Project, SECRET, toolPath } from './support/project.ts'

const START = `sessions(cookie, { secret: '${SECRET}' })`

/** Prints the answers to two requests of one visitor. */
const VISIT = `const tool = (path) => import(${JSON.stringify(toolPath('workerd'))} + '/' + path)
  const { default: esbuild } = await tool('esbuild/lib/main.js')
  await esbuild.build({ entryPoints: ['worker.js'], bundle: true, platform: 'node', format: 'esm', outfile: 'out.js' })
  const { Miniflare } = await tool('miniflare/dist/src/index.js')
  const worker = new Miniflare({
    modules: [{ type: 'ESModule', path: 'out.js' }],
    compatibilityDate: '2026-04-01',
    compatibilityFlags: ['nodejs_compat'],
  })
  const first = await worker.dispatchFetch('http://localhost/')
  const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const second = await worker.dispatchFetch('http://localhost/', { headers: { cookie } })
  console.log(JSON.stringify([await first.text(), await second.text()]))
  await worker.dispose()`

describe('on workerd, the cookie store', () => {
  it.each([
    ['at module scope', `const sess = ${START}; const of = () => sess`],
    ['in a request', `let sess; const of = () => (sess ??= ${START})`],
  ])('keeps a session, with sessions() called %s', async (_, sess) => {
    const project = Project.withPackages().write({
      'package.json': JSON.stringify({ type: 'module' }),
      'worker.js': `import cookie from '@sess/adapter-cookie'
        import { sessions } from '@sess/core'
        ${sess}
        const handle = async (request) => {
          const session = await of().open(request)
          return new Response('visit ' + session.update('visits', (visits = 0) => visits + 1))
        }
        export default { fetch: (request) => of().fetch(handle)(request) }`,
      'visit.js': VISIT,
    })
    expect(await project.node('visit.js')).toEqual({ code: 0, stdout: '["visit 1","visit 2"]\n', stderr: '' })
  })
})
