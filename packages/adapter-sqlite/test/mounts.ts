import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, type TestContext } from 'vitest'

/** Runs a program as root. Returns why it failed, or `undefined`. */
function failureAsRoot(program: string, ...args: readonly string[]): string | undefined {
  const options = { encoding: 'utf8' } as const
  const { status, stderr, error } =
    process.getuid?.() === 0 ? spawnSync(program, args, options) : spawnSync('sudo', ['-n', program, ...args], options)
  return status === 0 ? undefined : `${program}: ${error?.message ?? stderr.trim()}`
}

/** Tries whether this user may mount at all. Returns why not, or `undefined`. */
function tryToMount(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'sess-'))
  const failure = failureAsRoot('mount', '-t', 'tmpfs', 'tmpfs', folder) ?? failureAsRoot('umount', folder)
  rmdirSync(folder)
  return failure
}

/**
 * Mounts, with the arguments of `mount`, until the test ends. The last argument is the mount point. Where this user may
 * not mount, the test is skipped, and the report says why.
 */
export function mount({ skip }: TestContext, ...args: readonly string[]): void {
  const obstacle = tryToMount()
  if (obstacle !== undefined) skip(obstacle)
  const failure = failureAsRoot('mount', ...args)
  if (failure !== undefined) throw new Error(failure)
  const [point = ''] = args.slice(-1)
  onTestFinished(() => {
    // A store that the test left open must not keep it mounted.
    const problem = failureAsRoot('umount', '--lazy', point)
    if (problem !== undefined) throw new Error(problem)
  })
}
