import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { Application } from '../src/application.js'
import { type Environment, readConfig } from '../src/config.js'

export const SECRET = 'a secret for tests, of 32 bytes or more'

const SERVER = fileURLToPath(new URL('../dist/server.js', import.meta.url))

/** A clock that stands still until it is advanced. */
export class Clock {
  #now = Date.now()

  readonly read = (): number => this.#now

  advance(ms: number): void {
    this.#now += ms
  }
}

/** Serves the application in this process until the test ends. Resolves with its origin. */
export async function serve(env: Environment = {}, clock?: Clock): Promise<string> {
  const { server, close } = open({ SESSION_SECRET: SECRET, ...env }, clock)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    return close()
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}

function open(env: Environment, clock: Clock | undefined) {
  const config = readConfig(env)
  const application = new Application({ ...config, options: { ...config.options, clock: clock?.read } })
  return { server: application.server, close: () => application.close() }
}

/** The server as `npm start` runs it, with only `env` as its environment. It finds adapters in `folder`, too. */
export class ServerProcess {
  readonly #child
  readonly #exit: Promise<readonly unknown[]>
  #output = ''

  constructor(env: Environment = {}, folder?: string) {
    this.#child = spawn(process.execPath, [SERVER], {
      cwd: folder,
      env: { PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#exit = once(this.#child, 'close')
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
    }
    onTestFinished(async () => {
      this.#child.kill('SIGKILL')
      await this.#exit
    })
  }

  get output(): string {
    return this.#output
  }

  /** Resolves with the origin that the server has printed. */
  async origin(): Promise<string> {
    for (;;) {
      const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(this.#output)?.[0]
      if (origin !== undefined) return origin
      const ended = await Promise.race([once(this.#child.stdout, 'data'), this.#exit.then(() => 'ended')])
      if (ended === 'ended') throw new Error(`the server ended: ${this.#output}`)
    }
  }

  /** Sends the signal, if given. Resolves with the exit code, or with the signal that ended the process. */
  async ended(signal?: NodeJS.Signals): Promise<unknown> {
    if (signal !== undefined) this.#child.kill(signal)
    const [code, by] = await this.#exit
    return code ?? by
  }
}
