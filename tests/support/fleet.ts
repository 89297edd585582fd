import { setTimeout as sleep } from 'node:timers/promises'
import { Application } from './application.ts'
import type { Place } from './backends.ts'
import { comesTrue } from './condition.ts'
import { ask, type Reply } from './http.ts'

const SIZE = 4

/** Milliseconds before what failed is tried again. */
const PAUSE = 10

/** Processes that share the sessions of one place. */
export class Fleet {
  readonly applications: readonly Application[]

  private constructor(applications: readonly Application[]) {
    this.applications = applications
  }

  static async start({ adapter, options }: Place): Promise<Fleet> {
    return new Fleet(await Promise.all(Array.from({ length: SIZE }, () => Application.start(adapter, options))))
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

/** Has one session, and makes any number of requests at once. */
export class Browser {
  readonly #fleet: Fleet
  #cookie = ''
  /** How many requests failed, and not by a conflict: whether they have done anything is not known. */
  failures = 0

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  /** To which of the processes does not matter: each number names one. */
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

  /** Sends it again as long as it is refused as a conflict. */
  async insist(number: number, route: string): Promise<Reply> {
    for (;;) {
      const reply = await this.send(number, route)
      if (reply.status !== 409) return reply
    }
  }

  /** What each of the processes finds in the session, when it answers. */
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
