import { execFile } from 'node:child_process'
import { onTestFinished } from 'vitest'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs Node with those arguments to its end, or to that of the test. Of the test runner around it, it knows nothing. */
export function runNode(args: readonly string[], cwd?: string): Promise<Ran> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')))
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd, env, maxBuffer: 2 ** 24 }, (_, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    )
    onTestFinished(() => void child.kill('SIGKILL'))
  })
}

/** Milliseconds: to start Node takes seconds on a machine that has much else to do. */
export const SPAWN_TIMEOUT = 120_000
