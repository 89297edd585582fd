import { execFile } from 'node:child_process'
import { onTestFinished } from 'vitest'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Surroundings {
  readonly cwd?: string
  /** In addition to the variables of this process. */
  readonly env?: NodeJS.ProcessEnv
}

/** Runs Node with those arguments until it exits or the test ends, without the variables of the test runner. */
export function runNode(args: readonly string[], { cwd, env: more }: Surroundings = {}): Promise<Ran> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))
  const env = { ...Object.fromEntries(own), ...more }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd, env, maxBuffer: 2 ** 24 }, (_, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    )
    onTestFinished(() => void child.kill('SIGKILL'))
  })
}

/** Milliseconds: starting Node takes seconds on a busy machine. */
export const SPAWN_TIMEOUT = 120_000
