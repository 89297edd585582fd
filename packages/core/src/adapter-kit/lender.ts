import { EventEmitter } from 'node:events'

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
 *
 * Only a sound connection goes back to the pool. A connection on which anything failed, or which still owes an answer
 * when the caller is told, is closed: it may be stuck, or lead to a server that is no longer the primary.
 */
export class Lender<Connection> {
  readonly #pool: ConnectionPool<Connection>
  readonly #loans: Loan[] = []

  constructor(pool: ConnectionPool<Connection>) {
    this.#pool = pool
  }

  /**
   * Lends a connection to `work`, and takes it back when `work` has ended. `began` is the time that `serverStore`
   * passes to the operation.
   */
  async borrow<T>(began: number, work: (use: Use<Connection>) => Promise<T>): Promise<T> {
    const loan: Loan = { began, isOver: false, end: ignore }
    this.#loans.push(loan)
    try {
      const connection = await this.#pool.connect()
      if (!loan.isOver) return await this.#lend(connection, loan, work)
      // Nothing was sent on it.
      this.#pool.release(connection)
      throw tooLate()
    } finally {
      this.#loans.splice(this.#loans.indexOf(loan), 1)
    }
  }

  /**
   * Ends the calls that began at `began` or earlier. Pass it to `serverStore` as `onTimeout`, and call it with
   * `Infinity` when the store closes.
   */
  expire(began: number): void {
    for (const loan of this.#loans) {
      if (loan.isOver || loan.began > began) continue
      loan.isOver = true
      loan.end()
    }
  }

  async #lend<T>(connection: Connection, loan: Loan, work: (use: Use<Connection>) => Promise<T>): Promise<T> {
    // An error of the connection also fails the step, but an 'error' event without a listener ends the process.
    if (connection instanceof EventEmitter) connection.on('error', ignore)
    // Clients leave the steps of a connection that was closed unanswered.
    const over = new Promise<never>((_, reject) => {
      loan.end = () => {
        this.#pool.destroy(connection)
        reject(tooLate())
      }
    })
    over.catch(ignore)
    let isSound = false
    try {
      const result = await work(async (step) => {
        if (loan.isOver) throw tooLate()
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
}

/** No caller sees it, unless other calls waited for the same step. */
function tooLate(): Error {
  return Object.assign(new Error('The connection was not used: the call was not answered in time.'), {
    code: 'ETIMEDOUT',
  })
}
