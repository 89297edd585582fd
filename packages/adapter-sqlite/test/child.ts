import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A program of `fixtures` in its own process, which is killed when the test ends. */
export class Child {
  readonly #process: ChildProcess
  readonly #exit: Promise<unknown>
  readonly #messages: unknown[] = []
  #error = ''

  constructor(program: string, ...args: readonly string[]) {
    this.#process = fork(join(import.meta.dirname, 'fixtures', program), args, { silent: true })
    this.#exit = once(this.#process, 'close')
    this.#process.on('message', (message) => void this.#messages.push(message))
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#error += text))
    onTestFinished(() => this.kill())
  }

  /** The next message from the process. */
  async next(): Promise<unknown> {
    while (this.#messages.length === 0) {
      const isOver = await Promise.race([once(this.#process, 'message').then(() => false), this.#exit.then(() => true)])
      if (isOver && this.#messages.length === 0) throw new Error(`the child has ended: ${this.#error}`)
    }
    return this.#messages.shift()
  }

  /** The messages that have arrived and were not returned by `next`. */
  rest(): readonly unknown[] {
    return this.#messages.splice(0)
  }

  tell(message: string): void {
    this.#process.send(message)
  }

  /** Waits until the process exits. Resolves with its exit code and what it wrote to stderr. */
  async end(): Promise<{ code: number | null; error: string }> {
    await this.#exit
    return { code: this.#process.exitCode, error: this.#error }
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exit
  }
}
