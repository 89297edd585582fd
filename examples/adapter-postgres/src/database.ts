import { corrupt, SessError } from '@sess/core/adapter'
import { Pool, type PoolClient, type QueryResult } from 'pg'
import type { Settings } from './options.js'

/** A row of the table. Another program may have written it, so its values can be anything. */
export interface Row {
  readonly data: unknown
  readonly expires_at: unknown
  readonly version: unknown
}

// SQLSTATEs, the codes of PostgreSQL's errors.
const NO_TABLE = '42P01'
const RACE_LOST = '40001'
/** The codes that mean a table made by another program (data, constraints, columns, types) or a damaged table. */
const FOREIGN = /^(?:2[23]|42(?!501)|XX00[12])/

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

const ignore = () => {}

/** The database and the store's table in it. A statement that finds no table creates it. */
export class Database {
  readonly #pool: Pool
  readonly #isOwn: boolean
  readonly #table: string
  readonly #deadline: number
  #creating: Promise<unknown> | undefined

  constructor({ url, connections, pool, table, deadline }: Settings) {
    const limits = { max: connections, connectionTimeoutMillis: deadline, statement_timeout: deadline }
    this.#pool = pool ?? new Pool({ connectionString: url, ...limits })
    this.#isOwn = pool === undefined
    this.#table = table
    this.#deadline = deadline
    // An idle connection that dies fails no call, but an 'error' event without a listener ends the process.
    if (this.#isOwn) this.#pool.on('error', ignore)
  }

  /**
   * Runs one statement. Rejects after the deadline, and from then on sends nothing. One timer does both: with two clocks,
   * a caller could be told that its write failed just before the write is sent.
   */
  query(sql: string, ...values: unknown[]): Promise<QueryResult<Row>> {
    const late = new AbortController()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        late.abort()
        reject(new SessError('UNAVAILABLE', `The postgres store did not answer within ${this.#deadline} ms.`))
      }, this.#deadline)
      const stop = () => clearTimeout(timer)
      this.#run(late.signal, sql, values).then(resolve, reject).then(stop, stop)
    })
  }

  async close(): Promise<void> {
    if (this.#isOwn) await this.#pool.end()
  }

  mapError(error: unknown): SessError | undefined {
    return FOREIGN.test(codeOf(error)) ? corrupt('postgres') : undefined
  }

  async #run(late: AbortSignal, sql: string, values: unknown[]): Promise<QueryResult<Row>> {
    const client = await this.#pool.connect()
    // No await between this check and the first send, and a client that was ended sends nothing.
    if (late.aborted) {
      client.release()
      throw new Error('No connection was free in time.')
    }
    const end = () => void client.end()
    late.addEventListener('abort', end)
    // An error of the connection also fails the statement. The pool does not listen while the connection is in use.
    client.on('error', ignore)
    let isSound = false
    try {
      const result = await this.#send(client, sql, values)
      isSound = true
      return result
    } finally {
      late.removeEventListener('abort', end)
      client.off('error', ignore)
      // After an error, close it: it may still owe an answer, or lead to a server that is no longer the primary.
      client.release(!isSound)
    }
  }

  /** Sends a statement again only after an error by which PostgreSQL reports that it did nothing. */
  async #send(client: PoolClient, sql: string, values: unknown[]): Promise<QueryResult<Row>> {
    for (;;) {
      try {
        return await client.query<Row>(sql, values)
      } catch (error) {
        const code = codeOf(error)
        if (code === NO_TABLE) await (this.#creating ??= this.#createTable(client))
        else if (code !== RACE_LOST) throw error
      }
    }
  }

  async #createTable(client: PoolClient): Promise<void> {
    try {
      // Without the lock, all but one of the processes that do this at the same moment would fail.
      await client.query(`
        SELECT pg_advisory_xact_lock(hashtext('sess ${this.#table}'));
        CREATE TABLE IF NOT EXISTS "${this.#table}" (
          key text COLLATE "C" PRIMARY KEY, data bytea NOT NULL, expires_at bigint NOT NULL, version text NOT NULL
        );
        CREATE INDEX IF NOT EXISTS "${this.#table}-expires_at" ON "${this.#table}" (expires_at)`)
    } finally {
      this.#creating = undefined
    }
  }
}
