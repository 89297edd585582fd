import { chmodSync, copyFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Project, SECRET, toolPath } from './support/project.ts'

const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** Makes a single executable of a program, and runs it where no package is installed. */
async function run(node: string, store: string) {
  const program = toolPath('sea', node, 'bin/node')
  const project = Project.withPackages().write({
    'package.json': JSON.stringify({ type: 'module' }),
    'main.js': `import { sessions } from '@sess/core'
      ${store}
      sess.exchange(null).open().then((session) => {
        session.user = 'ada'
        console.log(session.user)
      })`,
    'sea.json': JSON.stringify({ main: 'main.cjs', output: 'main.blob', disableExperimentalSEAWarning: true }),
  })
  const options = ['--bundle', '--platform=node', '--format=cjs', '--outfile=main.cjs', '--log-level=warning']
  const bundled = await project.run(toolPath('sea', 'esbuild/bin/esbuild'), ['main.js', ...options])
  expect(bundled).toMatchObject({ code: 0, stderr: '' })
  await project.run(program, ['--experimental-sea-config', 'sea.json'])
  const executable = Project.elsewhere()
  copyFileSync(program, executable.at('shop'))
  chmodSync(executable.at('shop'), 0o755)
  const inject = ['NODE_SEA_BLOB', project.at('main.blob'), '--sentinel-fuse', FUSE]
  const injected = await project.node(toolPath('sea', 'postject/dist/cli.js'), executable.at('shop'), ...inject)
  expect(injected).toMatchObject({ code: 0 })
  return executable.run(executable.at('shop'))
}

// The versions of Node that the tool has are for Linux.
describe.runIf(process.platform === 'linux' && process.arch === 'x64').each(['node-22', 'node-24'])(
  'a single executable of %s',
  (node) => {
    it('has the store that is passed in', async () => {
      const store = `import memory from '@sess/adapter-memory'; const sess = sessions(memory, { secret: '${SECRET}' })`
      expect(await run(node, store)).toEqual({ code: 0, stdout: 'ada\n', stderr: '' })
    })

    it('that names a store says to pass it in', async () => {
      const { code, stderr } = await run(node, `const sess = sessions('memory', { secret: '${SECRET}' })`)
      expect(code).toBe(1)
      const [message] = /No adapter 'memory': looked for .+/.exec(stderr) ?? []
      expect(message).toContain('pass the adapter instead of its name')
    })
  },
)
