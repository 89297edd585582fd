import { spawnSync } from 'node:child_process'
import { onTestFinished, type TestContext } from 'vitest'

/** What `mount` or `sudo` say to a user who may not mount, or who runs on a machine that has none of them. */
const REFUSAL = /must be superuser|permission denied|not permitted|password is required|ENOENT/i

function asRoot(program: string, args: readonly string[]) {
  const options = { encoding: 'utf8' } as const
  const { status, stderr, error } =
    process.getuid?.() === 0 ? spawnSync(program, args, options) : spawnSync('sudo', ['-n', program, ...args], options)
  return { isDone: status === 0, reason: error?.message ?? stderr.trim() }
}

/**
 * Mounts, with the arguments of `mount`, until the test ends. The last argument is the mount point. Where this user may
 * not mount, the test is skipped, and the report says why.
 */
export function mount({ skip }: TestContext, ...args: readonly string[]): void {
  const { isDone, reason } = asRoot('mount', args)
  if (!isDone) {
    if (REFUSAL.test(reason)) skip(`mount: ${reason}`)
    throw new Error(`mount ${args.join(' ')}: ${reason}`)
  }
  const [point = ''] = args.slice(-1)
  onTestFinished(() => {
    // A store that the test left open must not keep it mounted.
    const { isDone: isGone, reason: why } = asRoot('umount', ['--lazy', point])
    if (!isGone) throw new Error(`umount ${point}: ${why}`)
  })
}
