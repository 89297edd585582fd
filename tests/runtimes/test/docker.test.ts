import { mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { Document } from '../../../docs/test/support/document.ts'
import { Program } from './support/program.ts'
import { Project, SECRET, toolPath } from './support/project.ts'

const page = new Document('docs/guide/docker.md')
const [dockerfile = ''] = page.blocks.filter(({ language }) => language === 'dockerfile').map(({ text }) => text)

/** The Node of the page's images. */
const [, major = ''] = /^FROM node:(\d+)-slim$/m.exec(dockerfile) ?? []
const PATH = `${toolPath('sea', `node-${major}`, 'bin')}${delimiter}${process.env['PATH']}`

/** Milliseconds for a lock and two installations, on a busy machine. */
const INSTALLING_MS = 300_000

/** A folder that stands for the root of an image. */
interface Stage {
  readonly root: Project
  readonly env: Record<string, string>
  directory: string
  health: string
  command: readonly string[]
}

const stageAt = (): Stage => ({ root: Project.elsewhere(), env: {}, directory: '/', health: '', command: [] })

/** A command with the image's folders in the place of those of this machine. It runs as the user of the test. */
const inside = ({ root }: Stage, command: string) =>
  command
    .replaceAll(/(?<= )\/(?=(?:app|data)\b)/g, `${root.path}/`)
    .replaceAll('node:node', `${process.getuid?.()}:${process.getgid?.()}`)

async function carryOut(stage: Stage, stages: ReadonlyMap<string, Stage>, context: Project, line: string) {
  const [, instruction = '', words = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? []
  const { root, env } = stage
  const folder = root.at(stage.directory)
  const [first = '', ...others] = words.split(' ')
  switch (instruction) {
    case 'WORKDIR':
      mkdirSync(root.at(first), { recursive: true })
      stage.directory = first
      break
    case 'ENV':
      env[first.split('=')[0] ?? ''] = first.split('=')[1] ?? ''
      break
    case 'COPY': {
      const [, name] = /^--from=(.+)$/.exec(first) ?? []
      const from = name === undefined ? context : stages.get(name)?.root
      const files = name === undefined ? [first, ...others] : others
      const target = files.pop() ?? ''
      for (const file of files)
        root.take(from?.at(file) ?? '', join(stage.directory, target.endsWith('/') ? join(target, file) : target))
      break
    }
    case 'RUN': {
      const ran = await root.run('sh', ['-c', `cd ${folder} && ${inside(stage, words)}`], { PATH, ...env })
      expect([line, ran.code, ran.code === 0 ? '' : ran.stdout + ran.stderr]).toEqual([line, 0, ''])
      break
    }
    case 'HEALTHCHECK':
      stage.health = words.replace(/^CMD /, '')
      break
    case 'CMD':
      stage.command = JSON.parse(words)
      break
    case 'USER':
    case 'EXPOSE':
      break
    default:
      throw new Error(`This test does not know ${line}`)
  }
}

/** Carries out the stages in order. Resolves with the last one. */
async function build(context: Project): Promise<Stage> {
  const stages = new Map<string, Stage>()
  let stage = stageAt()
  for (const line of dockerfile.split('\n').filter((text) => text !== '')) {
    const [, name] = /^FROM \S+(?: AS (\w+))?$/.exec(line) ?? []
    if (!line.startsWith('FROM ')) await carryOut(stage, stages, context, line)
    else {
      stage = stageAt()
      if (name !== undefined) stages.set(name, stage)
    }
  }
  return stage
}

/** The page's application, with its lock. */
async function application(): Promise<Project> {
  const tarball = (name: string) => `file:${inject('folder')}/sess-${name}-0.0.0.tgz`
  const options = { module: 'nodenext', target: 'es2022', rootDir: 'src', outDir: 'dist', types: ['node'] }
  const context = Project.elsewhere().write({
    'package.json': JSON.stringify({
      type: 'module',
      dependencies: { '@sess/core': tarball('core'), '@sess/adapter-sqlite': tarball('adapter-sqlite') },
      devDependencies: { '@types/node': '20.19.43', typescript: '7.0.2' },
    }),
    'tsconfig.json': JSON.stringify({ compilerOptions: { ...options, strict: true } }),
    'src/server.ts': page.files['src/server.ts'] ?? '',
  })
  expect(await context.run('npm', ['install', '--package-lock-only', '--no-audit'], { PATH })).toMatchObject({
    code: 0,
  })
  return context
}

// The Node that the tool has is for Linux.
describe.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'the instructions of the Dockerfile, carried out in fresh folders and without Docker,',
  () => {
    it(
      'make a server that keeps its sessions in /data, is healthy, and ends at SIGTERM',
      async () => {
        const stage = await build(await application())
        const { root, env } = stage
        expect((await root.run('ls', ['app'])).stdout.split('\n').filter((name) => name !== '')).toEqual([
          'dist',
          'node_modules',
          'package-lock.json',
          'package.json',
        ])
        expect((await root.run('ls', ['app/node_modules'])).stdout).not.toContain('typescript')
        const server = root.read('app/dist/server.js')
        root.write({ 'app/dist/server.js': server.replace("'/data/", `'${root.at('data')}/`) })
        const [, ...args] = stage.command
        const start = (more: NodeJS.ProcessEnv) =>
          Program.start(toolPath('sea', `node-${major}`, 'bin/node'), args, {
            cwd: root.at(stage.directory),
            env: { ...env, ...more },
          })

        await expect(start({})).rejects.toThrow('INVALID_OPTION')
        const first = await start({ SESSION_SECRET: SECRET })
        const { body, cookie } = await first.visit()
        expect([body, cookie.split('=')[0]]).toEqual(['Visit number 1\n', '__Host-sess'])
        const health = stage.health.replace(':3000', `:${first.port}`)
        expect(await root.run('sh', ['-c', health], { PATH })).toEqual({ code: 0, stdout: '', stderr: '' })
        expect(await first.signal('SIGTERM')).toBe(0)
        expect((await root.run('sh', ['-c', health], { PATH })).code).not.toBe(0)

        const second = await start({ SESSION_SECRET: SECRET })
        expect((await second.visit(cookie)).body).toBe('Visit number 2\n')
      },
      INSTALLING_MS,
    )
  },
)
