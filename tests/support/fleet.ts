import { setTimeout as sleep } from 'node:timers/promises'
import { Application } from './application.ts'
import type { Place } from './backends.ts'
import { comesTrue } from './condition.ts'
import { ask, type Reply } from './http.ts'

const SIZE = 4

/** Milliseconds to wait after a failed request. */
const PAUSE = 10

/** Processes that share the sessions of one place. */
export class Fleet {
  readonly applications: readonly Application[]

  private constructor(applications: readonly Application[]) {
    this.applications = applications
  }

  static async start({ adapter, options }: Place, size: number = SIZE): Promise<Fleet> {
    return new Fleet(await Promise.all(Array.from({ length: size }, () => Application.start(adapter, options))))
  }

  /** A browser that has a session. */
  async visit(): Promise<Browser> {
    const browser = new Browser(this)
    await browser.insist(0, 'POST /set?key=user&value=somebody')
    return browser
  }

  async stop(): Promise<void> {
    await Promise.all(this.applications.map((application) => application.kill()))
  }
}

/** Has one session, and can send many requests at once. */
export class Browser {
  readonly #fleet: Fleet
  #cookie = ''
  /** Requests that failed for another reason than a conflict. Whether they changed the session is unknown. */
  failures = 0

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  /** Sends a request. `number` selects the process, modulo their number. */
  async send(number: number, route: string): Promise<Reply> {
    const { applications } = this.#fleet
    const reply = await ask(applications[number % applications.length]?.port ?? 0, route, this.#cookie)
    if (reply.status === 200) {
      this.#cookie = reply.cookie ?? this.#cookie
      return reply
    }
    if (reply.status !== 409) this.failures++
    await sleep(PAUSE)
    return reply
  }

  /** Repeats the request while it is refused as a conflict. */
  async insist(number: number, route: string): Promise<Reply> {
    for (;;) {
      const reply = await this.send(number, route)
      if (reply.status !== 409) return reply
    }
  }

  /** The session as each process sees it, once that process answers. */
  look(): Promise<readonly Reply['body'][]> {
    return Promise.all(
      this.#fleet.applications.map(async (_, number) => {
        let found: Reply['body'] = {}
        await comesTrue(async () => {
          const { status, body } = await this.send(number, 'GET /session')
          found = body
          return status === 200
        })
        return found
      }),
    )
  }
}
