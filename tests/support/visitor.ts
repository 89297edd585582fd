import { setTimeout as sleep } from 'node:timers/promises'
import type { Application } from './application.ts'
import { ask, type Reply } from './http.ts'

/** The promises to a visitor, as titles of tests. */
export const PROMISES = {
  answer: 'a request that fails is answered with 503 and the code UNAVAILABLE',
  deadline: 'no request outlasts the deadline of the store',
  alone: 'no request that was alone reports a conflict, unless its session was lost',
  write: 'no acknowledged write is lost where the backend kept it, and what it did not keep reads as empty',
  logout: 'a session that was logged out of stays so',
} as const

export type PromiseName = keyof typeof PROMISES

export interface Complaint {
  readonly promise: PromiseName
  readonly story: string
}

/** The conditions that several visitors share. They change with time. */
export interface Terms {
  /** Milliseconds that a request may take. */
  readonly limit: number
  /** The backend may have lost the session, once. */
  mayLose: boolean
  /** The application may be gone. */
  mayBeCutOff: boolean
}

/** Milliseconds between two requests. */
const PACE = 10

const LOGOUT = 'POST /logout'

/**
 * Sends one request after the other in its own session, with no request in parallel: it counts, reads, and sometimes
 * logs out. It checks every answer, and records a complaint for each one that breaks a promise.
 */
export class Visitor {
  readonly #application: Application
  readonly #terms: Terms
  readonly #isFickle: boolean
  #cookie = ''
  /** The count is in this range: a write that failed may have been applied, or may still be. */
  #low = 0
  #high = 0
  /** The cookie of the session of the last logout. */
  #ended = ''
  #isLoggingOut = false
  /** A conflict was reported, which is right only if the session was lost in the middle of the request. */
  #isInConflict = false
  #isLeaving = false
  readonly #visit: Promise<void>
  readonly complaints: Complaint[] = []
  /** Acknowledged writes. */
  acknowledged = 0
  /** Failed requests. */
  failures = 0
  lastFailure = ''
  losses = 0

  /** A fickle visitor logs out from time to time. One that is not always has a session that can be lost. */
  constructor(application: Application, terms: Terms, isFickle: boolean) {
    this.#application = application
    this.#terms = terms
    this.#isFickle = isFickle
    this.#visit = this.#stay()
  }

  /** Resolves when its last request has been answered. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    await this.#visit
  }

  async #stay(): Promise<void> {
    for (let round = 1; !this.#isLeaving; round++) {
      if (this.#isLoggingOut || (this.#isFickle && round % 16 === 0 && this.#cookie !== '')) await this.#logOut()
      else if (round % 8 === 0) await this.#look()
      else if (round % 4 === 0) await this.#lookBack()
      else await this.#count()
      await sleep(PACE)
    }
  }

  async #count(): Promise<void> {
    const reply = await this.#ask('POST /increment?save')
    if (reply.status !== 200) {
      this.#high++
      return
    }
    const count = countOf(reply)
    if (reply.cookie !== undefined) {
      if (this.#cookie !== '') this.#lose('a write')
      if (count !== 1) this.#complain('write', `A session began with a count of ${count}.`)
      this.#cookie = reply.cookie
    } else {
      this.#keep('a write')
      if (count <= this.#low || count > this.#high + 1)
        this.#complain('write', `A count of ${this.#low} to ${this.#high} became ${count} by an increment.`)
    }
    this.#low = this.#high = count
    this.acknowledged++
  }

  async #look(): Promise<void> {
    const reply = await this.#ask('GET /session')
    if (reply.status !== 200 || this.#cookie === '') return
    const count = countOf(reply)
    if (count === 0) {
      this.#lose('a read')
      this.#forget()
    } else {
      this.#keep('a read')
      if (count < this.#low || count > this.#high)
        this.#complain('write', `A count of ${this.#low} to ${this.#high} reads as ${count}.`)
      this.#low = count
    }
  }

  async #logOut(): Promise<void> {
    const { status } = await this.#ask(LOGOUT)
    this.#isLoggingOut = status !== 200
    if (this.#isLoggingOut) return
    this.#ended = this.#cookie
    this.#forget()
  }

  async #lookBack(): Promise<void> {
    const reply = await this.#ask('GET /session', this.#ended)
    if (reply.status === 200 && countOf(reply) > 0) this.#complain('logout', `Its count is ${countOf(reply)} again.`)
  }

  #forget(): void {
    this.#cookie = ''
    this.#isInConflict = false
    this.#low = this.#high = 0
  }

  #keep(what: string): void {
    if (this.#isInConflict) this.#complain('alone', `A conflict was reported, but ${what} still finds the session.`)
    this.#isInConflict = false
  }

  #lose(what: string): void {
    this.losses++
    this.#isInConflict = false
    if (!this.#terms.mayLose || this.losses > 1)
      this.#complain('write', `A session that had a count of ${this.#low} is empty to ${what}.`)
  }

  async #ask(route: string, cookie: string = this.#cookie): Promise<Reply> {
    const { limit, mayBeCutOff } = this.#terms
    const reply = await ask(this.#application.port, route, cookie)
    const { status, body, ms } = reply
    const answer = `${route} was answered ${status} ${JSON.stringify(body)}`
    if (status !== 200) {
      this.failures++
      this.lastFailure = answer
    }
    if (ms > limit) this.#complain('deadline', `${route} took ${ms} ms.`)
    if (status === 409) {
      this.#isInConflict = true
      if (!this.#terms.mayLose) this.#complain('alone', answer)
    }
    // A logout is stored when the response begins. If that fails, the response is replaced by a 503 without a code.
    const isNamed = body['code'] === 'UNAVAILABLE' || (route === LOGOUT && body['code'] === undefined)
    const isRight = status === 200 || status === 409 || (status === 503 && isNamed)
    const isAllowed = isRight || (status === 0 && (mayBeCutOff || this.#terms.mayBeCutOff))
    if (!isAllowed) this.#complain('answer', answer)
    return reply
  }

  #complain(promise: PromiseName, story: string): void {
    this.complaints.push({ promise, story })
  }
}

function countOf({ body: { count } }: Reply): number {
  return typeof count === 'number' ? count : 0
}
