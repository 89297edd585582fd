import type {} from '@sess/core' // declares the interface Adapters, which is extended below
import { type Adapter, codeOf, type SqlFault, type SqlPool, sqlStore } from '@sess/core/adapter'
import { NAME, readStoreOptions, type Settings, type StoreOptions } from './options.js'

export type { StoreOptions } from './options.js'

declare module '@sess/core' {
  interface Adapters {
    [NAME]: StoreOptions
  }
}

/** Stores sessions in a table of a SQL database. */
const adapter: Adapter<StoreOptions> = (options) => {
  const settings = readStoreOptions(options)
  const { table, maxBytes, deadline } = settings
  return sqlStore({
    name: NAME,
    maxBytes,
    deadline,
    // TODO: list what the database cannot do, out of 'atomic', 'fresh', 'retention' and 'durability'.
    lacks: [],
    pool: openPool(settings),
    faultOf,
    // TODO: write these in the dialect of your database. The values must stay in this order. Keys and versions must be
    // compared as bytes: many types and collations ignore case or trailing blanks.
    statements: {
      table: `CREATE TABLE IF NOT EXISTS "${table}" (
        "key" VARCHAR(128) PRIMARY KEY, data BLOB NOT NULL, expires_at BIGINT NOT NULL, version VARCHAR(16) NOT NULL
      )`,
      create: `INSERT INTO "${table}" ("key", data, expires_at, version) VALUES (?, ?, ?, ?)`,
      read: `SELECT data, expires_at, version FROM "${table}" WHERE "key" = ?`,
      update: `UPDATE "${table}" SET data = ?, expires_at = ?, version = ? WHERE "key" = ? AND version = ?`,
      destroy: `DELETE FROM "${table}" WHERE "key" = ?`,
      prune: `DELETE FROM "${table}" WHERE "key" IN (SELECT "key" FROM "${table}" WHERE expires_at <= ? LIMIT 1000)`,
    },
  })
}

export default adapter

/** A connection of the client's pool. */
// TODO: replace it by the class of your client, such as `import type { PoolClient } from 'pg'`.
type Connection = object

/**
 * Opens a pool, which connects on first use. Its methods are a line or two each:
 * - `connect` resolves with a connection that nobody else uses.
 * - `query` sends one statement and its values, and resolves with the rows and with how many rows it changed.
 * - `release` gives a connection back, and `destroy` closes one at once, without sending anything more.
 * - `end` closes the pool.
 */
function openPool({ url }: Settings): SqlPool<Connection> {
  // TODO: make a pool of your client library with the settings, and return these methods.
  throw new Error(`src/index.ts cannot open ${new URL(url).protocol} URLs yet: implement openPool.`)
}

/** What an error of the client means. `undefined`: the call is `UNAVAILABLE`, and nothing is sent again. */
function faultOf(error: unknown): SqlFault | undefined {
  const code = codeOf(error)
  // TODO: compare with the codes of your database. Return 'undone' only for errors by which it proves that it did nothing.
  if (code === 'no such table') return 'missing'
  if (code === 'duplicate key') return 'taken'
  if (code === 'deadlock') return 'undone'
  if (code === 'no such column') return 'foreign'
  if (code === 'connection lost') return 'lost'
  return undefined
}
