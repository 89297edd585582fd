import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { main } from '../dist/command.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Creates an empty folder, which is removed when the test ends. */
export function emptyFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sess-create-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs the command in this process, with `folder` as its working directory. */
export function create(folder: string, ...args: readonly string[]): Ran {
  const [out, err] = [new Text(), new Text()]
  const code = main(args, { out, err }, folder)
  return { code, out: out.text, err: err.text }
}

class Text extends Writable {
  text = ''

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** Runs the command as a process in a folder, as `npm create @sess/adapter` does. */
export function spawnCli(folder: string, ...args: readonly string[]): Promise<Ran> {
  return run(folder, process.execPath, [CLI, ...args])
}

/** Runs a script of a package as npm does, with the dependencies of its manifest linked from this repository. */
export function runScript(folder: string, script: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const { scripts, dependencies = {}, devDependencies } = manifestOf(folder)
  // Only what the manifest lists is linked, so that a missing dependency fails the script.
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) link(folder, name)
  const path = `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env['PATH']}`
  return run(folder, 'sh', ['-c', scripts[script] ?? `echo no script ${script}; exit 1`], { PATH: path, ...env })
}

/** Adds a dependency to a package's manifest. */
export function addDependency(folder: string, name: string, range: string): void {
  const manifest = { ...manifestOf(folder), dependencies: { [name]: range } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
}

/** Returns the text of each file in a folder, by path, sorted. */
export function filesIn(folder: string): Readonly<Record<string, string>> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const files = paths.filter((path) => statSync(join(folder, path)).isFile())
  return Object.fromEntries(files.toSorted().map((path) => [path, readFileSync(join(folder, path), 'utf8')]))
}

/** Runs a program without the environment variables of the test runner and of npm. */
function run(cwd: string, file: string, args: readonly string[], added: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|npm_)/.test(name))
  const env = { ...Object.fromEntries(inherited), NO_COLOR: '1', ...added }
  return new Promise((resolve) => {
    const child = execFile(file, args, { cwd, env, maxBuffer: 2 ** 24 }, (_, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    )
    onTestFinished(() => void child.kill('SIGKILL'))
  })
}

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

function link(folder: string, name: string): void {
  const place = join(folder, 'node_modules', name)
  mkdirSync(dirname(place), { recursive: true })
  if (!existsSync(place)) symlinkSync(join(ROOT, 'node_modules', name), place)
}

/** In milliseconds. A compiler or a linter is slow on a busy machine. */
export const SPAWN_TIMEOUT = 240_000
