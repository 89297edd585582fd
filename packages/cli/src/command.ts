import { loadSessions } from './config.js'
import { messageOf } from './failure.js'
import { answered, type Ending, failed, write } from './output.js'
import { parse, type Task } from './parser.js'
import { Progress } from './progress.js'
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
  try {
    const task = parse(args)
    if ('text' in task) return { code: 0, out: task.text, err: '' }
    const progress = new Progress(task.isJson ? undefined : surroundings.stderr)
    try {
      return await Promise.race([run(task, progress, surroundings), stopped(surroundings.signal)])
    } finally {
      progress.stop()
    }
  } catch (error) {
    return failed(error, args)
  }
}

/** Rejects when the command has to stop, with the reason. */
function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

async function run(
  { config, isJson, work }: Task,
  progress: Progress,
  { cwd, stdin, stdout, stderr }: Surroundings,
): Promise<Ending> {
  const sess = await progress.during('Loading the sessions', () => loadSessions(config, cwd))
  const isColoured = stdout.isTTY === true && stdout.hasColors?.() === true
  const ending = answered(await work(sess, { stdin, stderr, progress, isColoured }), isJson)
  try {
    await sess.close()
    return ending
  } catch (error) {
    return { ...ending, code: 3, err: `The store could not be closed. ${messageOf(error)}\n` }
  }
}
