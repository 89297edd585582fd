import { EventEmitter } from 'node:events'
import { requestsShareIo } from '../request-io.js'
import { late } from './deadline.js'

/** A client's pool of connections, in the few calls that a `Lender` makes. */
export interface ConnectionPool<Connection> {
  /** Resolves with a connection that nobody else uses. May wait for longer than the deadline. */
  connect(): Promise<Connection>
  /** Takes back a connection on which everything succeeded. */
  release(connection: Connection): void
  /**
   * Closes a connection at once and makes room for a new one. What the connection has not sent yet is never sent. Must
   * not throw.
   */
  destroy(connection: Connection): void
}

/**
 * Runs a step with the borrowed connection. Rejects, and sends nothing, if the caller was told that the call failed.
 * Rejects if the caller is told while the step waits for its answer.
 */
export type Use<Connection> = <T>(step: (connection: Connection) => Promise<T>) => Promise<T>

/** The store that the connections are lent to. */
interface LentTo {
  readonly name: string
  readonly deadline: number
}

/** A call that waits for a connection, or has one. */
interface Loan {
  readonly began: number
  isOver: boolean
  /** Ends the call's use of the connection. */
  end: () => void
}

const ignore = () => {}

/**
 * Lends connections of a pool to the calls of a `serverStore`. It has no clock of its own: `serverStore` tells the
 * caller that a call failed, and tells `expire` in the same moment. So nothing is sent once the caller has been told.
 * Only where a request may not end what another began (Cloudflare Workers), each loan has a timer of its own.
 *
 * Only a sound connection goes back to the pool. A connection on which anything failed, or which still owes an answer
 * when the caller is told, is closed: it may be stuck, or lead to a server that is no longer the primary.
 */
export class Lender<Connection> {
  readonly #pool: ConnectionPool<Connection>
  readonly #loans: Loan[] = []
  /** Set where each loan has a timer of its own. `#loans` is then empty. */
  readonly #timed: LentTo | undefined

  /** `store`: whose calls these are. Without it, no loan has a timer of its own. */
  constructor(pool: ConnectionPool<Connection>, store?: LentTo) {
    this.#pool = pool
    this.#timed = requestsShareIo() ? undefined : store
  }

  /**
   * Lends a connection to `work`, and takes it back when `work` has ended. `began` is the time that `serverStore`
   * passes to the operation.
   */
  async borrow<T>(began: number, work: (use: Use<Connection>) => Promise<T>): Promise<T> {
    const loan: Loan = { began, isOver: false, end: ignore }
    const timer = this.#enter(loan)
    try {
      const connection = await this.#pool.connect()
      if (!loan.isOver) return await this.#lend(connection, loan, work)
      // Nothing was sent on it.
      this.#pool.release(connection)
      throw this.#tooLate()
    } finally {
      if (timer === undefined) this.#loans.splice(this.#loans.indexOf(loan), 1)
      else clearTimeout(timer)
    }
  }

  #enter(loan: Loan): NodeJS.Timeout | undefined {
    if (this.#timed !== undefined) return setTimeout(end, loan.began + this.#timed.deadline - performance.now(), loan)
    this.#loans.push(loan)
    return undefined
  }

  /**
   * Ends the calls that began at `began` or earlier. Pass it to `serverStore` as `onTimeout`, and call it with
   * `Infinity` when the store closes.
   */
  expire(began: number): void {
    for (const loan of this.#loans) if (loan.began <= began) end(loan)
  }

  async #lend<T>(connection: Connection, loan: Loan, work: (use: Use<Connection>) => Promise<T>): Promise<T> {
    // An error of the connection also fails the step, but an 'error' event without a listener ends the process.
    if (connection instanceof EventEmitter) connection.on('error', ignore)
    // Clients leave the steps of a connection that was closed unanswered.
    const over = new Promise<never>((_, reject) => {
      loan.end = () => {
        this.#pool.destroy(connection)
        reject(this.#tooLate())
      }
    })
    over.catch(ignore)
    let isSound = false
    try {
      const result = await work(async (step) => {
        if (loan.isOver) throw this.#tooLate()
        return Promise.race([over, step(connection)])
      })
      isSound = true
      return result
    } finally {
      if (!loan.isOver) this.#takeBack(connection, isSound)
      loan.isOver = true
    }
  }

  #takeBack(connection: Connection, isSound: boolean): void {
    if (!isSound) {
      this.#pool.destroy(connection)
      return
    }
    if (connection instanceof EventEmitter) connection.off('error', ignore)
    this.#pool.release(connection)
  }

  /** No caller sees it, unless the loan has a timer of its own or other calls waited for the same step. */
  #tooLate(): Error {
    if (this.#timed !== undefined) return late(this.#timed.name, this.#timed.deadline)
    return Object.assign(new Error('The connection was not used: the call was not answered in time.'), {
      code: 'ETIMEDOUT',
    })
  }
}

function end(loan: Loan): void {
  if (loan.isOver) return
  loan.isOver = true
  loan.end()
}
