import { deadline, exclusive, integer, like, optional, readOptions, text, url } from '@sess/core/adapter'
import { createPool, type Pool } from 'mysql2/promise'

export interface MysqlOptions {
  /** `mysql://user:password@host:port/database`. Required, unless `pool` is set. */
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

/** The checked options. Either `url` or `pool` is set. */
export interface Settings extends MysqlOptions {
  readonly table: string
  readonly deadline: number
  readonly maxBytes: number
}

const address = url({ schemes: ['mysql://'], example: 'mysql://user:password@host:3306/database', parse: createPool })
const table = text({ pattern: /^[a-z_][a-z0-9_]{0,63}$/, expected: 'at most 64 lower-case letters, digits and _' })

export function readMysqlOptions(options: unknown): Settings {
  const read = readOptions('mysql', options, {
    url: optional(address),
    connections: optional(integer({ max: 10_000 })),
    pool: optional(like<Pool>('a Pool of mysql2/promise', 'getConnection', 'pool')),
    table: optional(table, 'sessions'),
    deadline,
    maxBytes: optional(integer({ max: 2 ** 28 }), 2 ** 20),
  })
  exclusive('mysql', read, ['pool'], ['url', 'connections'])
  if (read.pool === undefined) address(read.url, 'mysql.url')
  return read
}
