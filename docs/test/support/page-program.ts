import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import type { Installation } from '../../../packages/core/test/support/installation.ts'
import { ANY_PORT } from './any-port.ts'

/** A program of a page that runs, and listens. */
export class PageProgram {
  readonly origin: string
  readonly #child: ChildProcess
  readonly #written = new EventEmitter()
  #output: string

  /** Resolves when it listens. */
  static async start(at: Installation, module: string, env: NodeJS.ProcessEnv): Promise<PageProgram> {
    const child = spawn(process.execPath, [`--import=${ANY_PORT}`, module], {
      cwd: at.path,
      env: { ...process.env, NODE_ENV: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    return new Promise((resolve, reject) => {
      const read = (text: string) => {
        output += text
        const port = /^port (\d+)$/m.exec(output)?.[1]
        if (port === undefined) return
        child.stdout.off('data', read)
        resolve(new PageProgram(child, `http://127.0.0.1:${port}`, output))
      }
      child.stdout.setEncoding('utf8').on('data', read)
      child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
      child.once('exit', () => reject(new Error(`${module} ended: ${output}`)))
    })
  }

  private constructor(child: ChildProcess, origin: string, output: string) {
    this.#child = child
    this.origin = origin
    this.#output = output
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text: string) => {
        this.#output += text
        this.#written.emit('text')
      })
  }

  /** When it has written that to its console. */
  async says(text: string): Promise<void> {
    while (!this.#output.includes(text)) await once(this.#written, 'text')
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
