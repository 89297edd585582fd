import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ANY_PORT } from '../../../../docs/test/support/any-port.ts'

export const REHEARSAL: string = fileURLToPath(new URL('../../', import.meta.url))

type Environment = Readonly<Record<string, string | undefined>>

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Variables that vitest, and npm as the runner of these tests, add to the environment. */
const ADDED =
  /^(?:npm_(?:package|lifecycle|config_(?:local_)?prefix|config_noproxy)|INIT_CWD|NODE_(?!EXTRA)|VITEST|SESS_)/i

/** The environment of a user's shell. */
function environment(changes: Environment): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !ADDED.test(name))
  const folders = process.env['PATH']?.split(delimiter).filter((folder) => !/node_modules.*bin$/.test(folder))
  const own = {
    PATH: folders?.join(delimiter),
    NO_PROXY: `${process.env['NO_PROXY'] ?? ''},127.0.0.1`,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    CI: '1',
  }
  return { ...Object.fromEntries(kept), ...own, ...changes }
}

/** Runs a program. Resolves with any exit code. */
export function attempt(file: string, args: readonly string[], cwd: string, env: Environment = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd, env: environment(env), maxBuffer: 2 ** 26 }
    execFile(file, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
  })
}

/** Runs a program. Resolves with its stdout, and rejects if it fails. */
export async function run(file: string, args: readonly string[], cwd: string, env: Environment = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(file, args, cwd, env)
  if (code !== 0) throw new Error(`${[file, ...args].join(' ')} (in ${cwd}) ended with ${code}:\n${stdout}\n${stderr}`)
  return stdout
}

/** A server that runs until it is stopped. */
export interface Served {
  readonly address: string
  /** Its stderr so far. */
  readonly stderr: () => string
  /** Resolves with all of its stderr, once it has ended, with or without `stop`. */
  readonly ended: Promise<string>
  readonly stop: () => Promise<void>
}

/** Starts a Node program that listens. It gets a free port, whatever port it asks for. */
export async function serve(args: readonly string[], cwd: string, env: Environment = {}): Promise<Served> {
  const child = spawn(process.execPath, ['--import', ANY_PORT, ...args], {
    cwd,
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = once(child, 'close').then(() => stderr)
  const port = await portOf(child)
  if (port === undefined) throw new Error(`node ${args.join(' ')} did not start:\n${await ended}`)
  return {
    address: `http://127.0.0.1:${port}`,
    stderr: () => stderr,
    ended,
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function portOf({ stdout }: ChildProcess): Promise<string | undefined> {
  let output = ''
  for await (const text of stdout?.setEncoding('utf8').iterator({ destroyOnReturn: false }) ?? []) {
    output += text
    const port = /^port (\d+)\n/m.exec(output)?.[1]
    if (port === undefined) continue
    // Discards further output, which would otherwise fill the pipe.
    stdout?.resume()
    return port
  }
  return undefined
}
