import { loadSessions } from './config.js'
import { messageOf } from './failure.js'
import { answered, type Ending, failed, write } from './output.js'
import { parse, type Task } from './parser.js'
import { withProgress } from './progress.js'
import type { Surroundings } from './surroundings.js'

/** Runs the command. Resolves with the exit code, once the answer is written. Never rejects. */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { code, out, err } = await endingOf(args, surroundings)
  try {
    await write(surroundings.stdout, out)
    await write(surroundings.stderr, err)
    return code
  } catch {
    // There is nowhere left to say it.
    return 3
  }
}

async function endingOf(args: readonly string[], surroundings: Surroundings): Promise<Ending> {
  const stopped = new Promise<never>((_, reject) => {
    const { signal } = surroundings
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
  try {
    const task = parse(args)
    return await Promise.race([
      'text' in task ? { code: 0, out: task.text, err: '' } : run(task, surroundings),
      stopped,
    ])
  } catch (error) {
    return failed(error, args)
  }
}

async function run({ config, isJson, work }: Task, { cwd, stdin, stdout, stderr }: Surroundings): Promise<Ending> {
  const progress = isJson ? undefined : stderr
  const sess = await withProgress(progress, 'Loading the sessions', () => loadSessions(config, cwd))
  const ending = answered(
    await work(sess, { stdin, stderr, progress, isColoured: stdout.isTTY === true && stdout.hasColors?.() === true }),
    isJson,
  )
  try {
    await sess.close()
    return ending
  } catch (error) {
    return { ...ending, code: 3, err: `The store could not be closed. ${messageOf(error)}\n` }
  }
}
