import type {} from '@sess/core' // declares the interface Adapters, which is extended below
import { type Adapter, codeOf, isError, type SqlFault, type SqlPool, sqlStore } from '@sess/core/adapter'
import { Pool, type PoolClient } from 'pg'
import { type PostgresOptions, readPostgresOptions, type Settings } from './options.js'

export type { PostgresOptions } from './options.js'

declare module '@sess/core' {
  interface Adapters {
    postgres: PostgresOptions
  }
}

/** Stores sessions in a table of PostgreSQL. */
const postgres: Adapter<PostgresOptions> = (options) => {
  const settings = readPostgresOptions(options)
  const { table, maxBytes, deadline } = settings
  const expired = `SELECT key FROM "${table}" WHERE expires_at <= $1 LIMIT 1000 FOR UPDATE SKIP LOCKED`
  return sqlStore({
    name: 'postgres',
    maxBytes,
    deadline,
    pool: openPool(settings),
    faultOf,
    statements: {
      // Without the lock, all but one of the processes that do this at the same moment would log an error.
      table: `
        SELECT pg_advisory_xact_lock(hashtext('sess ${table}'));
        CREATE TABLE IF NOT EXISTS "${table}" (
          key text COLLATE "C" PRIMARY KEY, data bytea NOT NULL, expires_at bigint NOT NULL, version text NOT NULL
        );
        CREATE INDEX IF NOT EXISTS "${table}-expires_at" ON "${table}" (expires_at)`,
      create: `INSERT INTO "${table}" (key, data, expires_at, version) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
      read: `SELECT data, expires_at, version FROM "${table}" WHERE key = $1`,
      update: `UPDATE "${table}" SET data = $1, expires_at = $2, version = $3 WHERE key = $4 AND version = $5`,
      destroy: `DELETE FROM "${table}" WHERE key = $1`,
      prune: `DELETE FROM "${table}" WHERE key = ANY (ARRAY (${expired}))`,
    },
  })
}

export default postgres

function openPool({ url, connections, pool, deadline }: Settings): SqlPool<PoolClient> {
  const limits = { max: connections, connectionTimeoutMillis: deadline, statement_timeout: deadline }
  const used = pool ?? new Pool({ connectionString: url, ...limits })
  // An idle connection that dies fails no call, but an 'error' event without a listener ends the process.
  if (pool === undefined) used.on('error', () => {})
  return {
    connect: () => used.connect(),
    async query(client, sql, values) {
      const { rows, rowCount } = await client.query(sql, [...values])
      return { rows, changed: rowCount ?? 0 }
    },
    release: (client) => client.release(),
    destroy: (client) => client.release(true),
    ...(pool === undefined && { end: () => used.end() }),
  }
}

const LOST = /^(?:Connection terminated|timeout |Client has encountered a connection error)/

/** Tells by the code, which is an SQLSTATE. What pg itself says of a connection has no code. */
function faultOf(error: unknown): SqlFault | undefined {
  const code = codeOf(error)
  if (code === undefined) return isError(error) && LOST.test(error.message) ? 'lost' : undefined
  if (code === '42P01') return 'missing'
  if (code === '40001') return 'undone' // a serializable transaction gave way to another
  // Data, constraints, columns and types that do not fit, and damaged tables; 42501 is a right that is missing.
  return /^(?:2[23]|42(?!501)|XX00[12])/.test(code) ? 'foreign' : undefined
}
