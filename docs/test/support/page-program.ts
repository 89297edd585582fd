import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import type { Readable } from 'node:stream'
import type { Installation } from '../../../packages/core/test/support/installation.ts'
import { ANY_PORT } from './any-port.ts'

/** A running server program from a page. */
export class PageProgram {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  /** Emits `change` when the program writes output, and when it ends. */
  readonly #events = new EventEmitter()
  #output = ''
  #port: string | undefined

  /** Resolves when the program listens. */
  static async start(at: Installation, module: string, env: NodeJS.ProcessEnv): Promise<PageProgram> {
    const program = new PageProgram(
      spawn(process.execPath, [`--import=${ANY_PORT}`, module], {
        cwd: at.path,
        env: { ...process.env, NODE_ENV: '', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
    await program.#until(() => (program.#port = /^port (\d+)$/m.exec(program.#output)?.[1]) !== undefined)
    return program
  }

  private constructor(child: ChildProcessByStdio<null, Readable, Readable>) {
    this.#child = child
    child.once('exit', () => this.#events.emit('change'))
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
        this.#events.emit('change')
      })
    }
  }

  get port(): number {
    return Number(this.#port)
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Resolves when the program has written `text` to its console. */
  says(text: string): Promise<void> {
    return this.#until(() => this.#output.includes(text))
  }

  /** Clears the recorded output, so that `says` waits for new output. */
  forget(): void {
    this.#output = ''
  }

  /** Sends SIGTERM. Resolves with the exit code once the program has ended; `null`: a signal ended it. */
  async terminate(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    if (!this.#hasEnded) await once(this.#child, 'exit')
    return this.#child.exitCode
  }

  /** What the program has written to its console; all of it, once it has stopped. */
  get output(): string {
    return this.#output
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'close')
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.#hasEnded) throw new Error(`The program has ended: ${this.#output}`)
      await once(this.#events, 'change')
    }
  }
}
