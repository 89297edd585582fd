import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type CoreOptions, sessions } from '@sess/core'
import type { ServerStore } from '@sess/core/adapter'
import { onTestFinished } from 'vitest'
import { type Place, SECRET } from './backends.ts'
import { answer, type Answer, type Request } from './requests.js'

export type { Action, Answer, Request } from './requests.js'

/** Answers the requests of browsers. */
export interface Server {
  /** `onOpen` is called when the request has opened its session, if that is in this process. */
  readonly ask: (request: Request, onOpen?: () => void) => Promise<Answer>
}

/** A server in this process, until the test ends. */
export function serverOn(store: ServerStore, options: Partial<CoreOptions<string>> = {}): Server {
  const sess = sessions(store, { secret: SECRET, owner: 'user', ...options })
  onTestFinished(() => sess.close())
  return { ask: (request, onOpen) => answer(sess, request, onOpen) }
}

const PROGRAM = fileURLToPath(new URL('owner-process.js', import.meta.url))

const packageOf = (adapter: Place['adapter']): string =>
  adapter === 'postgres' ? `sess-adapter-${adapter}` : `@sess/adapter-${adapter}`

interface Waiting {
  readonly resolve: (answers: unknown) => void
  readonly reject: (error: Error) => void
}

/** A process that serves sessions. */
export class OwnerProcess implements Server {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #messages = 0

  private constructor({ adapter, options }: Place) {
    this.#child = fork(PROGRAM, [packageOf(adapter), JSON.stringify(options)], { env: { PATH: '' }, execArgv: [] })
    this.#child.on('message', ({ id, answers }: { readonly id: number; readonly answers: unknown }) => {
      this.#waiting.get(id)?.resolve(answers)
      this.#waiting.delete(id)
    })
    this.#child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('The process ended before it answered.'))
    })
  }

  static async start(place: Place): Promise<OwnerProcess> {
    const started = new OwnerProcess(place)
    await once(started.#child, 'message')
    return started
  }

  async ask(request: Request): Promise<Answer> {
    const [only] = await this.askAll([request])
    if (only === undefined) throw new Error('a request was not answered')
    return only
  }

  /** Sends requests at once. */
  async askAll(requests: readonly Request[]): Promise<readonly Answer[]> {
    return (await this.#tell({ requests })) as readonly Answer[]
  }

  /** How often it has called its store. */
  async calls(): Promise<number> {
    return Number(await this.#tell({ calls: true }))
  }

  /** Sets its clock to so many milliseconds ahead of that of the machine. */
  async setAhead(ahead: number): Promise<void> {
    await this.#tell({ ahead })
  }

  async stop(): Promise<void> {
    const end = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await end
  }

  #tell(message: object): Promise<unknown> {
    const id = ++this.#messages
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, ...message })
    })
  }
}
