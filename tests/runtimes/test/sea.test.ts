import { delimiter } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Document } from '../../../docs/test/support/document.ts'
import { Program } from './support/program.ts'
import { Project, SECRET, toolPath } from './support/project.ts'

const page = new Document('docs/guide/single-executable.md')
const [build = '', start = ''] = page.blocks.filter(({ language }) => language === 'sh').map(({ text }) => text)

/** Runs the page's commands with that Node. Resolves with the executable, where nothing else is. */
async function make(node: string, files: Readonly<Record<string, string>>): Promise<Project> {
  const project = Project.withPackages().write(files).link(toolPath('sea'), 'node_modules')
  const PATH = `${toolPath('sea', node, 'bin')}${delimiter}${process.env['PATH']}`
  const built = await project.run('sh', ['-ec', build], { PATH })
  expect([built.code, built.code === 0 ? '' : built.stdout + built.stderr]).toEqual([0, ''])
  return Project.elsewhere().take(project.at('shop'), 'shop')
}

// The versions of Node that the tool has are for Linux.
describe.runIf(process.platform === 'linux' && process.arch === 'x64').each(['node-22', 'node-24'])(
  'a single executable of %s',
  (node) => {
    it('that the commands of the page make serves sessions', async () => {
      const executable = await make(node, page.files)
      const [, name = ''] = /^SESSION_SECRET=… (\S+)$/.exec(start) ?? []
      const program = await Program.start(name, [], {
        cwd: executable.path,
        env: { SESSION_SECRET: SECRET, PORT: '0' },
      })
      expect(await program.visitTwice()).toEqual(['Visit number 1\n', 'Visit number 2\n'])
    })

    it('that names a store says to pass it in', async () => {
      const main = `import { sessions } from '@sess/core'\nsessions('memory', { secret: '${SECRET}' })`
      const executable = await make(node, { ...page.files, 'main.ts': main })
      const { code, stderr } = await executable.run(executable.at('shop'))
      expect(code).toBe(1)
      const [message] = /No adapter 'memory': looked for .+/.exec(stderr) ?? []
      expect(message).toContain('pass the adapter instead of its name')
    })
  },
)
