import { fork } from 'node:child_process'
import { once } from 'node:events'

/** A child process that runs the tasks it is told to, one at a time, and answers with their results. */
export class Worker {
  #child
  /** @type {{ answer?: unknown, error?: string }[]} */
  #said = []
  /** @type {(() => void) | undefined} */
  #onSaid

  /** @param {string} file in this folder @param {readonly string[]} [args] @param {readonly string[]} [execArgv] */
  constructor(file, args = [], execArgv = []) {
    this.#child = fork(new URL(file, import.meta.url), [...args], {
      execArgv: [...execArgv],
      env: { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1' },
    })
    this.#child.on('message', (message) => this.#hear(message))
    this.#child.on('exit', (code) => this.#hear({ error: `${file} ended with exit code ${code}.` }))
  }

  /** Its next message. @returns {Promise<unknown>} */
  async hears() {
    if (this.#said.length === 0) await new Promise((resolve) => (this.#onSaid = () => resolve(undefined)))
    const { answer: answered, error } = this.#said.shift() ?? {}
    if (error !== undefined) throw new Error(error)
    return answered
  }

  /** @param {string} what @param {object} [work] @returns {Promise<unknown>} */
  tell(what, work = {}) {
    this.#child.send({ what, work })
    return this.hears()
  }

  async stop() {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }

  /** @param {{ answer?: unknown, error?: string }} message */
  #hear(message) {
    this.#said.push(message)
    this.#onSaid?.()
  }
}

/** In the worker: sends a message without being asked. @param {unknown} answered */
export function say(answered) {
  process.send?.({ answer: answered })
}

/** In the worker: runs tasks by name, until the parent process disconnects. @param {Record<string, (work: never) => unknown>} tasks */
export function answer(tasks) {
  if (process.send === undefined) throw new Error('Run this as a worker of the benchmarks, not directly.')
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ what, work }) => {
    try {
      say(await tasks[what](work))
    } catch (error) {
      process.send?.({ error: error instanceof Error ? error.stack : String(error) })
    }
  })
}
