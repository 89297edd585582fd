import type { Client } from './client.js'
import { isReply } from './error.js'

/** How many go together at the most, and how many characters of each: longer commands cost more than they save. */
const MOST = 8
const LONGEST = 8192

/** The commands by which something is asked of Redis: one thing, or several. A command is not sent once it is `due`. */
export interface Commands<Q> {
  one(asked: Q, due: number): Promise<unknown>
  /** Resolves with the answers, in the order of what was asked. */
  many(asked: readonly Q[], due: number): Promise<readonly unknown[]>
}

interface Question<Q> {
  readonly asked: Q
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Asks at once while no answer is awaited, and else together with what else is asked in this turn of the event loop. Of 64
 * requests at a time, one that reads its session then costs four fifths of what it does where each has a command to
 * itself, node:http included, and so does one that writes. In a Cluster each has, since a command there concerns the
 * keys of one slot, and wherever several are refused: a Cluster can hide behind the address of one server, and a user may
 * lack the right.
 */
export class Batch<Q> {
  readonly #client: Client
  readonly #commands: Commands<Q>
  #waiting: Question<Q>[] = []
  /** When the first of those that wait is late, and so all of them. */
  #due = 0
  #isApart: boolean
  /** How many commands have not been answered. */
  #flying = 0
  readonly #land = () => void this.#flying--

  constructor(client: Client, commands: Commands<Q>) {
    this.#client = client
    this.#commands = commands
    this.#isApart = client.isCluster
  }

  /** `length`: how many characters are sent for it, beside its key. */
  ask(asked: Q, length = 0): Promise<unknown> {
    const isIdle = this.#flying === 0 && this.#waiting.length === 0
    if (isIdle || length > LONGEST || this.#isApart) return this.#askAlone(asked, this.#client.due())
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) {
        this.#due = this.#client.due()
        setImmediate(() => this.#flush())
      }
      this.#waiting.push({ asked, resolve, reject })
    })
  }

  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (let start = 0; start < waiting.length; start += MOST) void this.#send(waiting.slice(start, start + MOST))
  }

  /** Never rejects: each is told its own answer. */
  async #send(questions: readonly Question<Q>[]): Promise<void> {
    const due = this.#due
    try {
      const asked = questions.map((question) => question.asked)
      const answers = await this.#follow(this.#commands.many(asked, due))
      for (const [index, { resolve }] of questions.entries()) resolve(answers[index])
    } catch (error) {
      // Both are said before anything is done.
      const isRefused = isReply(error, 'CROSSSLOT') || isReply(error, 'NOPERM')
      this.#isApart ||= isRefused
      for (const { asked, resolve, reject } of questions) {
        if (isRefused) this.#askAlone(asked, due).then(resolve, reject)
        else reject(error)
      }
    }
  }

  #askAlone(asked: Q, due: number): Promise<unknown> {
    return this.#follow(this.#commands.one(asked, due))
  }

  #follow<T>(answer: Promise<T>): Promise<T> {
    this.#flying++
    answer.then(this.#land, this.#land)
    return answer
  }
}
