import { setTimeout as sleep } from 'node:timers/promises'
import { Visitor } from './visitor.ts'

/** Milliseconds between two requests. */
const PACE = 25

/** How many visits one who logs out makes before. */
const VISITS = 10

/**
 * Sends one request after the other to the program of docs/guide/kubernetes.md: logs in, counts visits, and logs out if it is
 * fickle. It checks each answer.
 */
export class Shopper {
  readonly #visitor: Visitor
  readonly #name: string
  readonly #isFickle: boolean
  readonly #stay: Promise<void>
  #isLeaving = false
  /** What broke a promise. */
  readonly problems: string[] = []
  /** Acknowledged changes. */
  changes = 0

  constructor(origin: string, name: string, isFickle: boolean) {
    this.#visitor = new Visitor(origin)
    this.#name = name
    this.#isFickle = isFickle
    this.#stay = this.#shop()
  }

  /** Resolves when its last request has been answered. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    await this.#stay
  }

  async #shop(): Promise<void> {
    while (!this.#isLeaving) {
      if (!(await this.#expects('/login', 0, { [this.#name]: '' }))) continue
      let visits = 0
      while (!this.#isLeaving && !(this.#isFickle && visits === VISITS)) {
        if (!(await this.#expects('/visit', visits + 1))) break
        visits++
      }
      if (this.#isFickle && visits === VISITS) await this.#logOut()
    }
  }

  async #expects(path: string, visits: number, form = {}): Promise<boolean> {
    const wanted = JSON.stringify({ user: `${this.#name}=`, visits })
    const { status, text: answer } = await this.#post(path, form)
    const isRight = status === 200 && answer === wanted
    if (isRight) this.changes++
    else this.problems.push(`${path} of ${this.#name} was answered ${status} ${answer.trim()}, not ${wanted}`)
    return isRight
  }

  /** A logout is final, wherever the former cookie comes to. */
  async #logOut(): Promise<void> {
    const { cookie } = this.#visitor
    const { status } = await this.#post('/logout')
    if (status === 200) this.changes++
    else this.problems.push(`/logout of ${this.#name} was answered ${status}`)
    this.#visitor.cookie = cookie
    const again = await this.#post('/visit')
    if (again.status !== 401)
      this.problems.push(`/visit after the logout of ${this.#name} was answered ${again.status}`)
    this.#visitor.cookie = ''
  }

  async #post(path: string, form = {}): Promise<{ readonly status: number; readonly text: string }> {
    await sleep(PACE)
    try {
      return await this.#visitor.post(path, form)
    } catch (error) {
      return { status: 0, text: String(error) }
    }
  }
}
