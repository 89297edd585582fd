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

/** What npm, which runs these tests, and vitest add to the environment for themselves. */
const ADDED =
  /^(?:npm_(?:package|lifecycle|config_(?:local_)?prefix|config_noproxy)|INIT_CWD|NODE_(?!EXTRA)|VITEST|SESS_)/i

/** What a shell of the user's own would have. */
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

/** Resolves with what the program did, whatever its exit code. */
export function attempt(file: string, args: readonly string[], cwd: string, env: Environment = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd, env: environment(env), maxBuffer: 2 ** 26 }
    execFile(file, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
  })
}

/** Resolves with the standard output of a program that succeeded. */
export async function run(file: string, args: readonly string[], cwd: string, env: Environment = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(file, args, cwd, env)
  if (code !== 0) throw new Error(`${[file, ...args].join(' ')} (in ${cwd}) ended with ${code}:\n${stdout}\n${stderr}`)
  return stdout
}

/** A server that runs until it is stopped. */
export interface Served {
  readonly address: string
  /** What it said on the standard error until now. */
  readonly stderr: () => string
  /** Resolves once it has ended, by itself or by `stop`, with all that it said on the standard error. */
  readonly ended: Promise<string>
  readonly stop: () => Promise<void>
}

/** Starts a program of Node that listens, on whichever port it wants to: it gets a free one. */
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
    // What else it says is not of interest, and must not fill the pipe.
    stdout?.resume()
    return port
  }
  return undefined
}
