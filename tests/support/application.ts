import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Exit {
  /** `null`: it did not end by itself. */
  readonly code: number | null
  /** Milliseconds from the signal. */
  readonly ms: number
}

const PROGRAM = fileURLToPath(new URL('application.js', import.meta.url))
/** Milliseconds that it is given to end by itself: far more than it may take. */
const PATIENCE = 10_000

/** A process that serves sessions. */
export class Application {
  readonly #args: readonly string[]
  #child: ChildProcessWithoutNullStreams
  #end: Promise<readonly unknown[]>
  /** Another one after each restart. */
  port = 0
  /** All that it has ever written to stderr. */
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

  /** Kills it and starts it anew. */
  async restart(): Promise<void> {
    await this.kill()
    ;[this.#child, this.#end] = this.#spawn()
    await this.#listen()
  }

  /** Asks it to end; it is killed if it does not. */
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
    // Without a path there is no program that it could start, and no variable of ours has a say.
    const child = spawn(process.execPath, this.#args, { env: { PATH: '' } })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    return [child, once(child, 'close')]
  }

  async #listen(): Promise<void> {
    const [line] = await Promise.race([once(this.#child.stdout, 'data'), this.#end])
    this.port = Number(line)
    if (!(line instanceof Buffer)) throw new Error(`The application has ended: ${this.stderr}`)
  }
}
