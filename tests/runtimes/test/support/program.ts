import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { ANY_PORT } from '../../../../docs/test/support/any-port.ts'

/** A server of a page, at most until the test ends. It listens on a free port: the one that it says. */
export class Program {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly port: number

  private constructor(child: ChildProcessByStdio<null, Readable, Readable>, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(
    file: string,
    args: readonly string[],
    { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  ): Promise<Program> {
    const kept = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_)/.test(name))
    const child = spawn(file, [...args], {
      cwd,
      env: { ...Object.fromEntries(kept), NODE_OPTIONS: `--import=${ANY_PORT}`, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const closed = once(child, 'close')
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await closed
    })
    let output = ''
    for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      output += chunk
      const port = /\bport:? (\d+)/.exec(output)?.[1]
      if (port !== undefined) return new Program(child, Number(port))
    }
    throw new Error(`${file} ended before it listened: ${output}${await text(child.stderr)}`)
  }

  /** What `GET path` answers. */
  async visit(cookie = '', path = '/'): Promise<{ readonly body: string; readonly cookie: string }> {
    const sent = get({ host: '127.0.0.1', port: this.port, path, headers: cookie === '' ? {} : { cookie } })
    const [response] = await once(sent, 'response')
    const [line = cookie]: readonly string[] = response.headers['set-cookie'] ?? []
    return { body: await text(response), cookie: line.split(';')[0] ?? '' }
  }

  /** The answers to two requests of one visitor. */
  async visitTwice(): Promise<readonly string[]> {
    const { body, cookie } = await this.visit()
    return [body, (await this.visit(cookie)).body]
  }

  /** Sends a signal. Resolves with the exit code. */
  async signal(name: NodeJS.Signals): Promise<number | null> {
    const exited = once(this.#child, 'exit')
    this.#child.kill(name)
    const [code]: readonly unknown[] = await exited
    return typeof code === 'number' ? code : null
  }
}
