import { isUtf8 } from 'node:buffer'
import type {} from '@sess/core' // declares the interface Adapters, which is extended below
import { type Adapter, corrupt, MAX_TIME, newVersion, serverStore } from '@sess/core/adapter'
import { Database } from './database.js'
import { type PostgresOptions, readPostgresOptions } from './options.js'

export type { PostgresOptions } from './options.js'

declare module '@sess/core' {
  interface Adapters {
    postgres: PostgresOptions
  }
}

const VERSION = /^[\w-]{16}$/
const PRUNE_STEP = 1000

/** Stores sessions in a table of PostgreSQL. */
const postgres: Adapter<PostgresOptions> = (options) => {
  const settings = readPostgresOptions(options)
  const { table, maxBytes, deadline } = settings
  const database = new Database(settings)

  return serverStore({
    name: 'postgres',
    maxBytes,
    deadline,
    // `Database` keeps the deadline, because only `Database` can stop what is not sent yet.
    ownsDeadline: true,

    async create(key, { data, expiresAt }) {
      const version = newVersion()
      const sql = `INSERT INTO "${table}" (key, data, expires_at, version) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
      const { rowCount } = await database.query(sql, key, Buffer.from(data), expiresAt, version)
      return rowCount === 1 ? version : null
    },

    async read(key) {
      const { rows } = await database.query(`SELECT data, expires_at, version FROM "${table}" WHERE key = $1`, key)
      const [row] = rows
      if (row === undefined) return null
      const { data, version } = row
      const expiresAt = Number(row.expires_at)
      if (!Buffer.isBuffer(data) || !isUtf8(data)) throw corrupt('postgres')
      if (typeof version !== 'string' || !VERSION.test(version)) throw corrupt('postgres')
      if (!(expiresAt >= 1 && expiresAt <= MAX_TIME)) throw corrupt('postgres')
      return { data: data.toString(), expiresAt, version }
    },

    async update(key, { data, expiresAt }, version) {
      const next = newVersion()
      const sql = `UPDATE "${table}" SET data = $1, expires_at = $2, version = $3 WHERE key = $4 AND version = $5`
      // A row that another program wrote may have any text as its version. Nothing equals NULL.
      const current = VERSION.test(version) ? version : null
      const { rowCount } = await database.query(sql, Buffer.from(data), expiresAt, next, key, current)
      return rowCount === 1 ? next : null
    },

    async destroy(key) {
      await database.query(`DELETE FROM "${table}" WHERE key = $1`, key)
    },

    async *prune(now) {
      const expired = `SELECT key FROM "${table}" WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED`
      const sql = `DELETE FROM "${table}" WHERE key = ANY (ARRAY (${expired}))`
      for (;;) {
        const { rowCount } = await database.query(sql, now, PRUNE_STEP)
        yield rowCount ?? 0
        if (rowCount !== PRUNE_STEP) return
      }
    },

    mapError: (error) => database.mapError(error),
    close: () => database.close(),
  })
}

export default postgres
