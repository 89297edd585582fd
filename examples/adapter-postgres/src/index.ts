import { isUtf8 } from 'node:buffer'
import type {} from '@sess/core' // for its interface Adapters, below
import {
  type Adapter,
  type Check,
  corrupt,
  integer,
  invalidOption,
  MAX_TIME,
  newVersion,
  optional,
  readOptions,
  serverStore,
  SessError,
  text,
} from '@sess/core/adapter'
import { Client, Pool, type PoolClient, type QueryResult } from 'pg'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. Left out, PGHOST, PGUSER and the like say it, as they do to psql. */
  readonly url?: string | undefined
  /** How many connections the store makes at most. Default 10. */
  readonly connections?: number | undefined
  /** Instead of these two: a pool of the application's, which `close` leaves open. */
  readonly pool?: Pool | undefined
  /** Stores of one table are one store. Lower-case letters, digits and `_`. Default `'sessions'`. */
  readonly table?: string | undefined
  /** The longest that a call may take, in milliseconds. Default 1000. */
  readonly deadline?: number | undefined
  /** The longest data of one session, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

declare module '@sess/core' {
  interface Adapters {
    postgres: PostgresOptions
  }
}

/** Whether pg takes it. What pg says of one that it does not take may repeat it, the password too. */
function isUrl(value: unknown): value is string {
  try {
    return typeof value === 'string' && /^postgres(?:ql)?:\/\//.test(value) && Boolean(new Client(value))
  } catch {
    return false
  }
}

const url: Check<string> = (value, path) => {
  if (isUrl(value)) return value
  throw invalidOption(path, value, `a URL such as 'postgres://user:password@host:5432/database'`)
}

/** By shape, since the application may have another copy of pg. */
function isPool(value: unknown): value is Pool {
  return typeof value === 'object' && value !== null && 'connect' in value && 'idleCount' in value
}

const pool: Check<Pool> = (value, path) => {
  if (isPool(value)) return value
  throw invalidOption(path, value, 'a Pool of pg')
}

function readPostgresOptions(options: unknown) {
  const read = readOptions('postgres', options, {
    url: optional(url),
    connections: optional(integer({ max: 10_000 })),
    pool: optional(pool),
    // PostgreSQL cuts off what is longer than 63, and the name of the index is 11 longer.
    table: optional(text({ pattern: /^[a-z_][a-z0-9_]{0,51}$/, expected: 'a name such as sessions' }), 'sessions'),
    deadline: optional(integer({ max: 2 ** 31 - 1 }), 1000),
    maxBytes: optional(integer({ max: 2 ** 28 }), 2 ** 20),
  })
  for (const name of ['url', 'connections'] as const) {
    if (read.pool === undefined || read[name] === undefined) continue
    throw invalidOption(`postgres.${name}`, read[name], 'nothing beside postgres.pool')
  }
  return read
}

/** SQLSTATEs, by which PostgreSQL says what is wrong. */
const NO_TABLE = '42P01'
const RACE_LOST = '40001'
/** What statements that are right break only on a table of another's: data, constraints, names, types; or on damage. */
const FOREIGN = /^(?:2[23]|42(?!501)|XX00[12])/

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** A row as the table has it if it is ours. */
interface Row {
  readonly data: unknown
  readonly expires_at: unknown
  readonly version: unknown
}

const VERSION = /^[\w-]{16}$/
const PRUNE_STEP = 1000

/** Keeps sessions in a table of PostgreSQL. */
const postgres: Adapter<PostgresOptions> = (options) => {
  const { url: connectionString, connections, pool: given, table, deadline, maxBytes } = readPostgresOptions(options)
  const limits = { max: connections, connectionTimeoutMillis: deadline, statement_timeout: deadline }
  const pool = given ?? new Pool({ connectionString, ...limits })
  // An idle connection that dies fails no call; but an 'error' that nobody listens to ends the process.
  if (!given) pool.on('error', () => {})

  // Of processes that begin this at the same moment all but one would fail; so they take turns.
  const createTable = `
    SELECT pg_advisory_xact_lock(hashtext('sess ${table}'));
    CREATE TABLE IF NOT EXISTS "${table}" (
      key text COLLATE "C" PRIMARY KEY, data bytea NOT NULL, expires_at bigint NOT NULL, version text NOT NULL
    );
    CREATE INDEX IF NOT EXISTS "${table}-expires_at" ON "${table}" (expires_at)`

  let creating: Promise<unknown> | undefined

  /** Sends again only what has certainly not been done. */
  async function ask(client: PoolClient, sql: string, values: unknown[]): Promise<QueryResult<Row>> {
    for (;;) {
      try {
        return await client.query<Row>(sql, values)
      } catch (error) {
        const code = codeOf(error)
        if (code === NO_TABLE) await (creating ??= client.query(createTable).finally(() => (creating = undefined)))
        else if (code !== RACE_LOST) throw error
      }
    }
  }

  async function run(sql: string, ...values: unknown[]): Promise<QueryResult<Row>> {
    const due = performance.now() + deadline
    const client = await pool.connect()
    const left = due - performance.now()
    if (left <= 0) {
      // A caller who was told that a write failed must not find it done later.
      client.release()
      throw new Error('No connection was free in time.')
    }
    const ignore = () => {}
    // The call fails of it, too; and nobody else listens while the connection is out of the pool.
    client.on('error', ignore)
    const timer = setTimeout(() => void client.end(), left)
    let isSound = false
    try {
      const result = await ask(client, sql, values)
      isSound = true
      return result
    } finally {
      clearTimeout(timer)
      client.off('error', ignore)
      // After an error it is closed: it may lead to a server that is no longer the primary, or still owe an answer.
      client.release(!isSound)
    }
  }

  return serverStore({
    name: 'postgres',
    maxBytes,
    deadline,

    async create(key, { data, expiresAt }) {
      const version = newVersion()
      const sql = `INSERT INTO "${table}" (key, data, expires_at, version) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
      const { rowCount } = await run(sql, key, Buffer.from(data), expiresAt, version)
      return rowCount === 1 ? version : null
    },

    async read(key) {
      const { rows } = await run(`SELECT data, expires_at, version FROM "${table}" WHERE key = $1`, key)
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
      // What another wrote there may have any text for a version. No row has NULL, which is equal to nothing.
      const current = VERSION.test(version) ? version : null
      const { rowCount } = await run(sql, Buffer.from(data), expiresAt, next, key, current)
      return rowCount === 1 ? next : null
    },

    async destroy(key) {
      await run(`DELETE FROM "${table}" WHERE key = $1`, key)
    },

    async *prune(now) {
      const expired = `SELECT key FROM "${table}" WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED`
      for (;;) {
        const { rowCount } = await run(`DELETE FROM "${table}" WHERE key = ANY (ARRAY (${expired}))`, now, PRUNE_STEP)
        yield rowCount ?? 0
        if (rowCount !== PRUNE_STEP) return
      }
    },

    explain(error) {
      if (!FOREIGN.test(codeOf(error))) return undefined
      return new SessError(
        'CORRUPT',
        `The table ${table} is damaged, or not one that the postgres store made (SQLSTATE ${codeOf(error)}). ` +
          'Name another by the option postgres.table.',
      )
    },

    async close() {
      if (!given) await pool.end()
    },
  })
}

export default postgres
