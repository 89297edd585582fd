import { corrupt, type SessError } from '@sess/core/adapter'
import { Pool, type PoolClient, type QueryResult } from 'pg'
import type { Settings } from './options.js'

/** What a table of ours has in a row; what is there, another may have written. */
export interface Row {
  readonly data: unknown
  readonly expires_at: unknown
  readonly version: unknown
}

// SQLSTATEs, by which PostgreSQL says what is wrong.
const NO_TABLE = '42P01'
const RACE_LOST = '40001'
/** What our statements fail with on a table of another's (data, constraints, columns, types), or on a damaged one. */
const FOREIGN = /^(?:2[23]|42(?!501)|XX00[12])/

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

const ignore = () => {}

/** The database with a table in it, which is made when it is missed. */
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
    // No call fails when an idle connection dies. But an 'error' that nobody listens to ends the process.
    if (this.#isOwn) this.#pool.on('error', ignore)
  }

  /** Runs one statement on a connection that is its own meanwhile. */
  async query(sql: string, ...values: unknown[]): Promise<QueryResult<Row>> {
    const due = performance.now() + this.#deadline
    const client = await this.#pool.connect()
    const left = due - performance.now()
    if (left <= 0) {
      // Who was told that a write failed must not find it done later.
      client.release()
      throw new Error('No connection was free in time.')
    }
    // The call fails of it, too; and nobody else listens while the connection is out of the pool.
    client.on('error', ignore)
    const timer = setTimeout(() => void client.end(), left)
    let isSound = false
    try {
      const result = await this.#send(client, sql, values)
      isSound = true
      return result
    } finally {
      clearTimeout(timer)
      client.off('error', ignore)
      // After an error it is closed: it may still owe an answer, or lead to a server that is no longer the primary.
      client.release(!isSound)
    }
  }

  async close(): Promise<void> {
    if (this.#isOwn) await this.#pool.end()
  }

  mapError(error: unknown): SessError | undefined {
    return FOREIGN.test(codeOf(error)) ? corrupt('postgres') : undefined
  }

  /** Sends again only what PostgreSQL has said that it did not do. */
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
      // Of processes that do this at the same moment, all but one would fail if they did not take turns.
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
