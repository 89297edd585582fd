import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { startRedis } from '../../../scripts/servers/redis.js'
import { REHEARSAL, run, serve } from './support/command.ts'
import { Project } from './support/project.ts'
import { Release } from './support/release.ts'
import { count, COUNTED, SECRET, TEN_LINES, tenLines } from './support/ten-lines.ts'

let redis: Awaited<ReturnType<typeof startRedis>>
let project: Project
beforeAll(async () => {
  redis = await startRedis()
  project = await new Project()
    .manifest({ type: 'module' })
    .install('@sess/core', '@sess/adapter-cookie', '@sess/adapter-redis')
})
afterAll(async () => {
  project.remove()
  await redis.stop()
})

describe('in an image, started from another working directory', () => {
  let image: Project
  beforeAll(() => {
    image = project.copy()
    mkdirSync(image.at('app/dist'), { recursive: true })
    for (const name of ['package.json', 'node_modules'])
      cpSync(image.at(name), image.at('app', name), { recursive: true })
    for (const name of ['package.json', 'node_modules']) rmSync(image.at(name), { recursive: true })
    image.write({ 'app/server.mjs': TEN_LINES, 'app/dist/server.js': tenLines('redis') })
  })
  afterAll(() => image.remove())

  it.each([
    ['at its root', 'app/server.mjs'],
    ['in a folder of what was built', 'app/dist/server.js'],
  ])('a server %s finds its adapter', async (_, file) => {
    const empty = mkdtempSync(join(tmpdir(), 'sess-empty-'))
    onTestFinished(() => rmSync(empty, { recursive: true }))
    const production = { NODE_ENV: 'production', REDIS_URL: redis.url }
    for (const cwd of ['/', empty]) {
      const server = await serve([image.at(file)], cwd, { SESSION_SECRET: SECRET, ...production })
      onTestFinished(() => server.stop())
      // Requests as behind a proxy that terminates TLS: in production the cookie is set only over https.
      const response = await fetch(server.address, { headers: { 'x-forwarded-proto': 'https' } })
      expect(await response.text()).toBe('Visit number 1\n')
      expect(response.headers.getSetCookie()[0]).toMatch(/^__Host-.+; Secure/)
      expect(server.stderr()).toBe('')
    }
  })

  it('a bundle finds it as well, from its own place', async () => {
    const esbuild = join(REHEARSAL, 'node_modules/esbuild/bin/esbuild')
    const options = ['--bundle', '--platform=node', '--format=esm', '--outfile=bundled/server.mjs']
    await run(esbuild, ['server.mjs', ...options], image.at('app'))
    expect(/^import .+ from "(?!node:)/m.test(image.read('app/bundled/server.mjs'))).toBe(false)
    expect(await count([image.at('app/bundled/server.mjs')], '/')).toEqual(COUNTED)
  })
})

describe('in a workspace of pnpm whose applications have two versions of one adapter', () => {
  /** Prints the version of the adapter that `sessions` loaded by name. */
  const MAIN = `import { createRequire } from 'node:module'
    import { sessions } from '@sess/core'
    const require = createRequire(import.meta.url)
    sessions('memory', { secret: process.env.SESSION_SECRET })
    const loaded = Object.keys(require.cache).filter((file) => file.endsWith('adapter-memory/dist/index.js'))
    console.log(loaded.map((file) => require(file.replace('dist/index.js', 'package.json')).version).join())`
  const NEWER = '0.1.1'
  let workspace: Project

  beforeAll(async () => {
    const release = new Release(inject('release'))
    await release.change({ '@sess/adapter-memory': 'patch' }, 'Another version.').version()
    await release.build()
    await release.publish(inject('registry'))
    release.remove()
    workspace = new Project().write({
      'package.json': '{"private":true}',
      'pnpm-workspace.yaml': "packages: ['apps/*']\n",
    })
    for (const [name, version] of [
      ['old', inject('versions')['@sess/adapter-memory']],
      ['new', NEWER],
    ] as const) {
      const dependencies = { '@sess/core': '^0.1.0', '@sess/adapter-memory': version }
      workspace.write({
        [`apps/${name}/package.json`]: JSON.stringify({ name, type: 'module', dependencies }),
        [`apps/${name}/main.js`]: MAIN,
      })
    }
    const pnpm = join(REHEARSAL, 'node_modules/pnpm/bin/pnpm.cjs')
    await run(process.execPath, [pnpm, 'install', '--store-dir', workspace.at('.store')], workspace.path)
  })
  afterAll(() => workspace.remove())

  it.each([
    ['old', '0.1.0'],
    ['new', NEWER],
  ])('the %s application loads its own, wherever it is started', async (name, version) => {
    for (const cwd of [
      workspace.at('apps', name),
      workspace.path,
      workspace.at('apps', name === 'old' ? 'new' : 'old'),
    ]) {
      const ran = await workspace.node([workspace.at('apps', name, 'main.js')], cwd, { SESSION_SECRET: SECRET })
      expect(ran).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
    }
  })
})

describe('a package of another author, sess-adapter-postgres', () => {
  it('is installed next to core, its peer, of which there is one copy', async () => {
    const registry = inject('registry')
    const response = await fetch(`${registry}sess-adapter-postgres`)
    const { versions } = (await response.json()) as { versions: Record<string, { dist: { tarball: string } }> }
    const tarball = versions[inject('versions')['sess-adapter-postgres'] ?? '']?.dist.tarball ?? ''
    const stranger = Project.forTest().manifest({ type: 'module' })
    await stranger.install('@sess/core', tarball)
    expect(stranger.installed('@sess/core')).toBe(inject('versions')['@sess/core'])
    expect(stranger.installed('@sess/core', 'node_modules/sess-adapter-postgres')).toBeUndefined()
  })
})
