import type { Lack, ServerStore } from '../contract.js'
import { Lender, type ConnectionPool, type Use } from './lender.js'
import { newVersion } from './frame.js'
import { safeCause } from '../error.js'
import { requestsShareIo } from '../request-io.js'
import { corrupt, serverStore, unavailable } from './server-store.js'
import { isVersion, storedRow } from './stored-row.js'

/** A value that is sent with a statement. Bytes come in a `Buffer`, and `null` is SQL's NULL. */
export type SqlValue = string | number | Uint8Array | null

/** What a statement did. */
export interface SqlResult {
  /** The rows that it returned. */
  readonly rows: readonly unknown[]
  /** The number of rows that it inserted, matched for an update, or deleted. */
  readonly changed: number
}

const NOTHING: SqlResult = { rows: [], changed: 0 }

/**
 * What an error of the database means for a store:
 * - `missing`: the table does not exist. The store creates it and sends the statement again.
 * - `undone`: the database reports that the statement did nothing because another was in its way, as in a deadlock. The
 *   store sends it again.
 * - `taken`: a row has the key already, so the statement did nothing.
 * - `foreign`: the table is not one that the store made, or it is damaged. The call is `CORRUPT`.
 * - `lost`: the connection was lost, or could not be made in time, and the error has none of Node's codes, such as
 *   `ECONNRESET`. The call is `UNAVAILABLE`, and the server can be given up.
 */
export type SqlFault = 'missing' | 'undone' | 'taken' | 'foreign' | 'lost'

/** The pool of a database's client. */
export interface SqlPool<Connection> extends ConnectionPool<Connection> {
  /** Sends one statement, with its values apart from it. Must not send it again by itself. */
  query(connection: Connection, sql: string, values: readonly SqlValue[]): Promise<SqlResult>
  /** Closes the pool. Leave it out if the pool belongs to the application. */
  end?(): Promise<void>
}

/**
 * The statements of a store, each a transaction of its own. Their values come in the order given here, so `?` works as
 * well as `$1`. `data` is bytes, `expires_at` is an integer, and `key` and `version` are ASCII, compared as bytes.
 */
export interface SqlStatements {
  /** Creates the table unless it exists. */
  readonly table: string
  /** Inserts `key`, `data`, `expires_at` and `version`. If the key is taken, it changes no row, or fails as `taken`. */
  readonly create: string
  /** Selects `data`, `expires_at` and `version` of a `key`. */
  readonly read: string
  /** Sets `data`, `expires_at` and `version` where `key` and the current `version` are those given. */
  readonly update: string
  /** Deletes a `key`. */
  readonly destroy: string
  /**
   * Deletes rows whose `expires_at` is at most the time given, but no more than about a thousand: it is repeated until
   * it changes none.
   */
  readonly prune: string
}

/** What an adapter knows of its database and client. */
export interface SqlOperations<Connection> {
  /** The adapter's name. Error messages use it. */
  readonly name: string
  /** The longest `data` that the store accepts, in UTF-8 bytes. */
  readonly maxBytes: number
  /** How long a call may take, in milliseconds. */
  readonly deadline: number
  /** The guarantees that the database cannot give. Default: none, so it gives them all. */
  readonly lacks?: readonly Lack[]
  /** The pool that lends the store its connections. */
  readonly pool: SqlPool<Connection>
  /** The statements, in the dialect of the database. */
  readonly statements: SqlStatements
  /** What an error of the client means. `undefined`: the call is `UNAVAILABLE`, and nothing is sent again. */
  faultOf(error: unknown): SqlFault | undefined
}

/**
 * Makes a server store from the statements of a database, and adds what every SQL store needs:
 * - Each statement has a connection to itself. Nothing is sent once the caller was told that the call failed, and only
 *   a sound connection goes back to the pool (`Lender`).
 * - The table is created when a statement finds that it is missing, so an existing table costs nothing and needs no
 *   right to create one.
 * - A statement is sent again only if the database proves that it did nothing.
 * - A row that the store did not write is `CORRUPT` (`storedRow`).
 */
export function sqlStore<Connection>(operations: SqlOperations<Connection>): ServerStore {
  const { name, maxBytes, deadline, lacks, pool, statements } = operations
  const lender = new Lender(pool, operations)
  const sharesIo = requestsShareIo()
  let creating: Promise<SqlResult> | undefined

  function send(use: Use<Connection>, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return use((connection) => pool.query(connection, sql, values))
  }

  /** All calls that find no table at the same moment share one attempt, where they may. */
  function createTable(use: Use<Connection>): Promise<SqlResult> {
    if (!sharesIo) return send(use, statements.table, [])
    creating ??= send(use, statements.table, []).finally(() => (creating = undefined))
    return creating
  }

  async function run(began: number, sql: string, ...values: readonly SqlValue[]): Promise<SqlResult> {
    return lender.borrow(began, async (use) => {
      for (let attempts = 0; ;) {
        try {
          return await send(use, sql, values)
        } catch (error) {
          const fault = operations.faultOf(error)
          if (fault === 'taken') return NOTHING
          if (fault === 'missing') {
            // The first attempt may fail because another process has just created the table.
            const created = createTable(use)
            await (attempts++ === 0 ? created.catch(() => {}) : created)
          } else if (fault !== 'undone') throw error
        }
      }
    })
  }

  /** `prepared` is when the first step was asked for. */
  async function* prune(now: number, prepared: number): AsyncGenerator<number> {
    // Never later than the time at which `serverStore` begins the step, so `expire` ends the step in time.
    for (let began = prepared; ;) {
      const { changed } = await run(began, statements.prune, now)
      if (changed === 0) return
      began = performance.now()
      yield changed
    }
  }

  return serverStore({
    name,
    maxBytes,
    deadline,
    ...(lacks && { lacks }),

    async create(key, { data, expiresAt }, began) {
      const version = newVersion()
      const { changed } = await run(began, statements.create, key, Buffer.from(data), expiresAt, version)
      return changed === 1 ? version : null
    },

    async read(key, began) {
      const { rows } = await run(began, statements.read, key)
      return rows.length === 0 ? null : storedRow(name, rows[0])
    },

    async update(key, { data, expiresAt }, version, began) {
      // A row that another program wrote may have any text as its version. Nothing equals NULL.
      const current = isVersion(version) ? version : null
      const next = newVersion()
      const { changed } = await run(began, statements.update, Buffer.from(data), expiresAt, next, key, current)
      return changed === 1 ? next : null
    },

    async destroy(key, began) {
      await run(began, statements.destroy, key)
    },

    prune: (now) => prune(now, performance.now()),
    onTimeout: (began) => lender.expire(began),
    mapError(error) {
      const fault = operations.faultOf(error)
      if (fault === 'foreign') return corrupt(name)
      if (fault === 'lost') return unavailable(name, Object.assign(safeCause(error), { code: 'CONNECTION_LOST' }))
      return undefined
    },

    async close() {
      lender.expire(Infinity)
      await pool.end?.()
    },
  })
}
