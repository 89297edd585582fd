import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url))

const PRELUDE = `
import memcache from '@sess/adapter-memcache'
const [servers, deadline] = process.argv.slice(1)
const store = memcache({ servers, deadline: Number(deadline) })
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const entry = { data: 'data', expiresAt: Date.now() + 60_000 }
const codeOf = (call) => call.then(() => 'none', (error) => error.code)
`

export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  /** The exit code, or the signal that killed the program because it did not end. */
  readonly end: number | string
}

/** Runs a program with a `store`, in a process that can start no other program. */
export function runProgram(text: string, address: string, deadline: number = 10_000): Promise<Outcome> {
  const args = ['--input-type=module', '--eval', PRELUDE + text, address, String(deadline)]
  const options = { cwd: PACKAGE, env: { PATH: '' }, timeout: 15_000, killSignal: 'SIGKILL' } as const
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      resolve({ stdout, stderr, end: error?.signal ?? error?.code ?? 0 }),
    )
  })
}
