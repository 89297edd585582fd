import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Exit {
  /** `null` if it had to be killed. */
  readonly code: number | null
  /** Milliseconds from the signal. */
  readonly ms: number
}

const PROGRAM = fileURLToPath(new URL('application.js', import.meta.url))
/** Milliseconds until a process that does not end is killed: far more than it may take. */
const PATIENCE = 10_000

/** A process that serves sessions. */
export class Application {
  readonly #args: readonly string[]
  #child: ChildProcessWithoutNullStreams
  #end: Promise<readonly unknown[]>
  /** Changes with each restart. */
  port = 0
  /** Everything written to stderr, across restarts. */
  stderr = ''

  private constructor(args: readonly string[]) {
    this.#args = args
    ;[this.#child, this.#end] = this.#spawn()
  }

  static async start(adapter: string, options: object): Promise<Application> {
    const application = new Application([PROGRAM, adapter, JSON.stringify(options)])
    await application.#listen()
    return application
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#end
  }

  async restart(): Promise<void> {
    await this.kill()
    ;[this.#child, this.#end] = this.#spawn()
    await this.#listen()
  }

  /** Sends SIGTERM, and SIGKILL if the process does not end. */
  async terminate(): Promise<Exit> {
    const child = this.#child
    const began = performance.now()
    child.kill('SIGTERM')
    const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
    await this.#end
    clearTimeout(impatience)
    return { code: child.exitCode, ms: performance.now() - began }
  }

  #spawn(): [ChildProcessWithoutNullStreams, Promise<readonly unknown[]>] {
    // The empty PATH keeps it from starting programs. It inherits no variables from the tests.
    const child = spawn(process.execPath, this.#args, { env: { PATH: '' } })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    return [child, once(child, 'close')]
  }

  async #listen(): Promise<void> {
    const [line] = await Promise.race([once(this.#child.stdout, 'data'), this.#end])
    this.port = Number(line)
    if (!(line instanceof Buffer)) throw new Error(`The application ended before it listened: ${this.stderr}`)
  }
}
