import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { inject } from 'vitest'

const APPS = fileURLToPath(new URL('../../apps/', import.meta.url))

const run = promisify(execFile)

export const SECRET = 'a secret for tests, of 32 bytes or more'

/** How to build and start an application. The arguments are Node's; a path is relative to the application's folder. */
export interface Recipe {
  /** How the tests call it. Default: the name of its folder. */
  readonly title?: string
  /** The packages of this repository that it uses. */
  readonly packages: readonly string[]
  /** The commands that build it, in order. Default: none. */
  readonly build?: readonly (readonly string[])[]
  readonly start: (port: number) => readonly string[]
  /** What else is in its environment, besides `PORT`, the secret and the store. */
  readonly env?: (port: number) => NodeJS.ProcessEnv
  /** Its program. Default: this Node. */
  readonly program?: string
}

/** The environment of the tests, without what vitest and this Node added to it. */
function surroundings(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_|npm_)/.test(name))
  return {
    ...Object.fromEntries(kept),
    NO_COLOR: '1',
    CI: '1',
    NEXT_TELEMETRY_DISABLED: '1',
    NUXT_TELEMETRY_DISABLED: '1',
    ASTRO_TELEMETRY_DISABLED: '1',
    ...more,
  }
}

/** An application of `apps/`, with what its lock says and with the packed packages installed, and built. */
export class Application {
  readonly path: string
  readonly #recipe: Recipe

  private constructor(name: string, recipe: Recipe) {
    this.path = join(APPS, name)
    this.#recipe = recipe
  }

  static async build(name: string, recipe: Recipe): Promise<Application> {
    const application = new Application(name, recipe)
    const tarballs = inject('tarballs')
    const packed = recipe.packages.map((sess) => tarballs[`@sess/${sess}`] ?? `@sess/${sess} is not packed`)
    await application.#npm('ci')
    await application.#npm('install', '--no-save', ...packed)
    for (const command of recipe.build ?? []) await application.run(command)
    return application
  }

  /** Runs Node in its folder. Resolves with what it printed. */
  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    return this.#execute(args, surroundings(env))
  }

  /** Starts it on a free port. Resolves when it answers. */
  start(env: NodeJS.ProcessEnv): Promise<Served> {
    return Served.start(this.path, this.#recipe, env)
  }

  /** npm needs the settings of the environment. */
  async #npm(...args: readonly string[]): Promise<void> {
    await this.#execute([inject('npm'), ...args, '--no-audit', '--no-fund', '--loglevel=error'], process.env)
  }

  async #execute(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
    try {
      const { stdout, stderr } = await run(process.execPath, [...args], { cwd: this.path, env, maxBuffer: 2 ** 26 })
      return stdout + stderr
    } catch (error) {
      const { stdout = '', stderr = '' }: { stdout?: string; stderr?: string } = Object(error)
      throw new Error(`${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
    }
  }
}

/** A running application. */
export class Served {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly origin: string
  #output = ''

  private constructor(child: ChildProcessByStdio<null, Readable, Readable>, port: number) {
    this.#child = child
    this.origin = `http://127.0.0.1:${port}`
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
  }

  static async start(cwd: string, { start, program = process.execPath, ...recipe }: Recipe, env: NodeJS.ProcessEnv) {
    const port = await freePort()
    const child = spawn(program, [...start(port)], {
      cwd,
      env: surroundings({ PORT: String(port), SESSION_SECRET: SECRET, ...recipe.env?.(port), ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
      // What it starts itself ends with its group.
      detached: true,
    })
    const served = new Served(child, port)
    await served.#answers()
    return served
  }

  /** Everything that it has printed. */
  get output(): string {
    return this.#output
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.pid === undefined) return
    const closed = once(this.#child, 'close')
    process.kill(-this.#child.pid, 'SIGKILL')
    await closed
  }

  async #answers(): Promise<void> {
    const deadline = Date.now() + 100_000
    for (;;) {
      if (this.#child.exitCode !== null) throw new Error(`The application ended:\n${this.#output}`)
      try {
        await fetch(`${this.origin}/`, { redirect: 'manual' })
        return
      } catch (error) {
        if (Date.now() > deadline)
          throw new Error(`The application does not answer:\n${this.#output}`, { cause: error })
      }
      await sleep(50)
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address === 'object' && address !== null) return address.port
  throw new Error('a server of TCP has a port')
}
