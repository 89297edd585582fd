import { type Check, deadline, integer, invalidOption, optional, readOptions, text } from '@sess/core/adapter'
import { Client, type Pool } from 'pg'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. Default: PGHOST, PGUSER and so on, as psql reads them. */
  readonly url?: string | undefined
  /** The largest number of connections that the store opens. Default 10. */
  readonly connections?: number | undefined
  /** The application's own pool, instead of `url` and `connections`. `close` leaves it open. */
  readonly pool?: Pool | undefined
  /** Stores with the same table share their sessions. Lower-case letters, digits and `_`. Default `'sessions'`. */
  readonly table?: string | undefined
  /** How long a call may take, in milliseconds. Default 1000. */
  readonly deadline?: number | undefined
  /** The most data that one session may have, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** The checked options. */
export interface Settings extends PostgresOptions {
  readonly table: string
  readonly deadline: number
  readonly maxBytes: number
}

/** Whether pg accepts the value. An error of pg may repeat the URL with its password, so it is not passed on. */
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

/** Checks the shape and not the class, since the application may have another copy of pg. */
function isPool(value: unknown): value is Pool {
  return typeof value === 'object' && value !== null && 'connect' in value && 'idleCount' in value
}

const pool: Check<Pool> = (value, path) => {
  if (isPool(value)) return value
  throw invalidOption(path, value, 'a Pool of pg')
}

// PostgreSQL cuts names off after 63 characters, and the name of the index is 11 longer than the name of the table.
const table = text({
  pattern: /^[a-z_][a-z0-9_]{0,51}$/,
  expected: `at most 52 lower-case letters, digits and _, such as 'sessions'`,
})

export function readPostgresOptions(options: unknown): Settings {
  const read = readOptions('postgres', options, {
    url: optional(url),
    connections: optional(integer({ max: 10_000 })),
    pool: optional(pool),
    table: optional(table, 'sessions'),
    deadline,
    maxBytes: optional(integer({ max: 2 ** 28 }), 2 ** 20),
  })
  for (const name of ['url', 'connections'] as const) {
    if (read.pool === undefined || read[name] === undefined) continue
    throw invalidOption(`postgres.${name}`, read[name], 'nothing, because postgres.pool is set')
  }
  return read
}
