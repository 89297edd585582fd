import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Document, ROOT } from './support/document.ts'
import { Installation } from '../../packages/core/test/support/installation.ts'
import { startPostgres } from '../../scripts/servers/postgres.js'

const page = new Document('docs/writing-an-adapter.md')
const published = join(ROOT, 'examples/adapter-postgres')

/** Milliseconds for a server, a compiler and a test runner on a busy machine. */
const PATIENCE_MS = 60_000

const fileOf = (name: string) => page.files[name] ?? `the page shows no ${name}`

interface Manifest {
  readonly exports: object
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: object
}

const manifest: Manifest = JSON.parse(fileOf('package.json'))

describe('what the page shows', () => {
  const sources = readdirSync(join(published, 'src')).map((name) => `src/${name}`)

  it.each([...sources, 'test/conformance.test.ts'])('is what is published: %s', (name) => {
    expect(fileOf(name)).toBe(readFileSync(join(published, name), 'utf8'))
  })

  it('has no other sources', () => {
    expect(Object.keys(page.files).filter((name) => name.startsWith('src/'))).toHaveLength(sources.length)
  })

  it('describes the package as it is', () => {
    const { exports, dependencies, peerDependencies, ...own }: Manifest = JSON.parse(
      readFileSync(join(published, 'package.json'), 'utf8'),
    )
    expect(manifest).toMatchObject({ name: 'sess-adapter-postgres', exports, dependencies, peerDependencies })
    expect(Object.keys(manifest.devDependencies)).toEqual(expect.arrayContaining(Object.keys(own.devDependencies)))
  })

  it('runs the tests of the package in CI', () => {
    const commands = [...fileOf('.github/workflows/test.yml').matchAll(/- run: (.*)$/gm)].map(([, command]) => command)
    expect(commands).toEqual(['npm ci', 'npm test'])
    expect(manifest.scripts).toHaveProperty('test')
  })
})

describe('the folder that the page makes', () => {
  const folder = new Installation()
  let server: Awaited<ReturnType<typeof startPostgres>> | undefined

  /** Runs a command from a script of the folder's package.json, in the folder. */
  function run(command: string, ...args: readonly string[]) {
    const env = { ...process.env, POSTGRES_ADDRESS: server?.address, NO_COLOR: '1' }
    return new Promise<{ failed: boolean; output: string }>((resolve) => {
      const [program = '', ...rest] = command.split(' ')
      const file = join(ROOT, 'node_modules/.bin', program)
      execFile(file, [...rest, ...args], { cwd: folder.path, env }, (error, stdout, stderr) =>
        resolve({ failed: error !== null, output: stdout + stderr }),
      )
    })
  }

  beforeAll(async () => {
    folder.write(page.files)
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }))
      folder.symlink(join(ROOT, 'node_modules', name), 'node_modules', name)
    const [started, built] = await Promise.all([startPostgres(), run(manifest.scripts['build'] ?? '')])
    server = started
    expect(built).toEqual({ failed: false, output: '' })
  }, PATIENCE_MS)

  afterAll(async () => {
    folder.remove()
    await server?.stop()
  })

  it(
    'passes the suite',
    async () => {
      // The package has the same files and runs the whole suite; some clauses of each kind are enough here.
      const [build, test = ''] = manifest.scripts['test']?.split(' && ') ?? []
      expect(build).toBe(manifest.scripts['build'])
      const { failed, output } = await run(test, '-t', ' (1.2|3.3|7.3|7.6|10.1) ')
      expect(output).toMatch(/Tests +6 passed/)
      expect(failed).toBe(false)
    },
    PATIENCE_MS,
  )

  it(
    'fails the suite with the output that the page shows, if it makes the mistake of the page',
    async () => {
      const [, mistake = ''] = /`(ON CONFLICT \(key\) DO UPDATE [^`]+)`/.exec(page.prose) ?? []
      const right = readFileSync(folder.at('dist/index.js'), 'utf8')
      const wrong = right.replace('ON CONFLICT DO NOTHING', mistake)
      expect(wrong).toContain('DO UPDATE SET')
      folder.write({ 'dist/index.js': wrong })
      const [, filter = ''] = /npx vitest run -t '([^']+)'/.exec(page.prose) ?? []
      const { failed, output } = await run('vitest run', '-t', filter)
      expect(failed).toBe(true)
      const told = page.blocks.find(({ language, use }) => `${language} ${use}` === 'text output')?.text ?? ''
      // Versions are random.
      const withAnyVersion = (text: string) => text.replaceAll(/'[\w-]{16}'/g, "'a version'")
      expect(withAnyVersion(output)).toContain(withAnyVersion(told))
    },
    PATIENCE_MS,
  )
})
