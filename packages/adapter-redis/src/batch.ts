import type { Client } from './client.js'
import { isReply } from './error.js'

/** The most questions in one command, and the most characters of each: a longer command costs more than it saves. */
const MOST = 8
const LONGEST = 8192

/** The commands that ask Redis one question, or several at once. A command is not sent once it is `due`. */
export interface Commands<Q> {
  /** `isLone`: no other question waits for an answer. */
  one(asked: Q, due: number, isLone: boolean): Promise<unknown>
  /** Resolves with the answers, in the order of the questions. */
  many(asked: readonly Q[], due: number): Promise<readonly unknown[]>
}

interface Question<Q> {
  readonly asked: Q
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Sends a question immediately if no answer is outstanding. Otherwise it sends all questions of one turn of the event
 * loop together. With 64 concurrent requests, one that reads its session then costs four fifths of what it costs with
 * one command per question, node:http included; so does one that writes.
 *
 * Each question gets its own command in a Cluster, where one command may only use keys of one slot, and wherever Redis
 * has refused several keys in one command: a Cluster can hide behind the address of one server, and a user may lack the
 * right.
 */
export class Batch<Q> {
  readonly #client: Client
  readonly #commands: Commands<Q>
  #waiting: Question<Q>[] = []
  /**
   * When the first waiting question is late (`performance.now()`). The others are sent with it, so it applies to all.
   */
  #due = 0
  #isApart: boolean
  /** The number of commands without an answer. */
  #flying = 0
  readonly #land = () => void this.#flying--

  constructor(client: Client, commands: Commands<Q>) {
    this.#client = client
    this.#commands = commands
    this.#isApart = client.isCluster
  }

  /**
   * `began`: when the call began (`performance.now()`). `length`: the characters that the question sends in addition to
   * its key.
   */
  ask(asked: Q, began: number, length = 0): Promise<unknown> {
    const isIdle = this.#flying === 0 && this.#waiting.length === 0
    if (isIdle || length > LONGEST || this.#isApart) return this.#askAlone(asked, this.#client.due(began), isIdle)
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) {
        this.#due = this.#client.due(began)
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

  /** Never rejects: it settles each question. */
  async #send(questions: readonly Question<Q>[]): Promise<void> {
    const due = this.#due
    try {
      const asked = questions.map((question) => question.asked)
      const answers = await this.#follow(this.#commands.many(asked, due))
      for (const [index, { resolve }] of questions.entries()) resolve(answers[index])
    } catch (error) {
      // Redis sends either error before it executes anything, so the questions can be asked again.
      const isRefused = isReply(error, 'CROSSSLOT') || isReply(error, 'NOPERM')
      this.#isApart ||= isRefused
      for (const { asked, resolve, reject } of questions) {
        if (isRefused) this.#askAlone(asked, due).then(resolve, reject)
        else reject(error)
      }
    }
  }

  #askAlone(asked: Q, due: number, isLone = false): Promise<unknown> {
    return this.#follow(this.#commands.one(asked, due, isLone))
  }

  #follow<T>(answer: Promise<T>): Promise<T> {
    this.#flying++
    answer.then(this.#land, this.#land)
    return answer
  }
}
