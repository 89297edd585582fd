import { deadline, exclusive, integer, like, optional, readOptions, text, url } from '@sess/core/adapter'
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

const address = url({
  schemes: ['postgres://', 'postgresql://'],
  example: 'postgres://user:password@host:5432/database',
  parse: (given) => new Client(given),
})

// PostgreSQL cuts names off after 63 characters, and the name of the index is 11 longer than the name of the table.
const table = text({
  pattern: /^[a-z_][a-z0-9_]{0,51}$/,
  expected: `at most 52 lower-case letters, digits and _, such as 'sessions'`,
})

export function readPostgresOptions(options: unknown): Settings {
  const read = readOptions('postgres', options, {
    url: optional(address),
    connections: optional(integer({ max: 10_000 })),
    pool: optional(like<Pool>('a Pool of pg', 'connect', 'idleCount')),
    table: optional(table, 'sessions'),
    deadline,
    maxBytes: optional(integer({ max: 2 ** 28 }), 2 ** 20),
  })
  exclusive('postgres', read, ['pool'], ['url', 'connections'])
  return read
}
