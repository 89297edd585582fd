import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { type Project, SECRET, toolPath } from './project.ts'

const SERVE = fileURLToPath(new URL('serve-worker.js', import.meta.url))

/** What a Worker answered. */
interface Answer {
  readonly status: number
  readonly text: string
}

/** A Worker on the real workerd, until the test ends. */
export class Worker {
  readonly #origin: string

  private constructor(origin: string) {
    this.#origin = origin
  }

  /** Starts the Worker of the project, as its wrangler.jsonc says. */
  static async start(project: Project, variables: Readonly<Record<string, unknown>> = {}): Promise<Worker> {
    const args = [SERVE, toolPath('workerd'), JSON.stringify({ SESSION_SECRET: SECRET, ...variables })]
    const child = spawn(process.execPath, args, { cwd: project.path, stdio: ['pipe', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    onTestFinished(async () => {
      child.stdin.end()
      await exited
    })
    // Its first line is its address; what the Worker logs comes after it.
    const lines = createInterface(child.stdout)
    const [origin] = await Promise.race([
      once(lines, 'line'),
      exited.then(() => {
        throw new Error('the Worker did not start')
      }),
    ])
    return new Worker(String(origin))
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(new URL(path, this.#origin), init)
  }

  async ask(path: string, cookie?: string): Promise<Answer> {
    const response = await this.fetch(path, cookie === undefined ? {} : { headers: { cookie } })
    return { status: response.status, text: (await response.text()).trim() }
  }

  /** The cookie that the answer to a request sets. */
  async cookieFrom(path: string, cookie = ''): Promise<string> {
    const { headers } = await this.fetch(path, { headers: { cookie } })
    return headers.getSetCookie()[0]?.split(';')[0] ?? ''
  }

  /** Runs the cron trigger. */
  async runCron(): Promise<string> {
    return (await this.ask('/cdn-cgi/handler/scheduled?format=json')).text
  }
}
