import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { expect, onTestFinished } from 'vitest'
import { startRedis } from '../../../../scripts/servers/redis.js'
import { ask } from '../../../../scripts/servers/server.js'
import type { Project } from './project.ts'

/** A server that a tool runs in a project, until the test ends. */
export class ToolServer {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  #output = ''
  #origin = ''

  private constructor(project: Project, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, args, {
      cwd: project.path,
      env: { ...project.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // The tool has children of its own, which end with its group.
      detached: true,
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
  }

  /** Resolves when it prints its address, as the first group of `listening`. */
  static async start(
    project: Project,
    args: readonly string[],
    { listening, env = {} }: { readonly listening: RegExp; readonly env?: NodeJS.ProcessEnv },
  ): Promise<ToolServer> {
    const server = new ToolServer(project, args, env)
    onTestFinished(() => server.#stop())
    await server.prints(listening)
    server.#origin = `http://127.0.0.1:${listening.exec(server.#output)?.[1]}`
    return server
  }

  /** Resolves when all that it has printed contains the text. */
  async prints(text: string | RegExp): Promise<void> {
    const has = () => (typeof text === 'string' ? this.#output.includes(text) : text.test(this.#output))
    const isOver = () => has() || this.#child.exitCode !== null
    await expect.poll(isOver, { timeout: 100_000 }).toBe(true)
    if (!has()) throw new Error(`The server ended:\n${this.#output}`)
  }

  get(path: string, cookie = ''): Promise<Response> {
    return fetch(this.#origin + path, { headers: { cookie } })
  }

  async #stop(): Promise<void> {
    const closed = once(this.#child, 'close')
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL')
    await closed
  }
}

export const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(';')[0] ?? ''

/** A Redis until the test ends. */
export async function redisForTest() {
  const { url, port, stop } = await startRedis()
  onTestFinished(stop)
  return {
    url,
    /** How many connections it has, besides the one that asks. */
    connections: async () =>
      (await ask(port, 'CLIENT LIST')).split('\n').filter((line) => line.startsWith('id=')).length - 1,
  }
}
