import { deadline, integer, optional, readOptions, text, url } from '@sess/core/adapter'

/** The adapter's name: applications call `sessions(NAME, …)`. */
export const NAME = 'placeholder'

export interface StoreOptions {
  /** `db://user:password@host:port/database`. Required. */
  readonly url: string
  /** The largest number of connections that the store opens. Default 10. */
  readonly connections?: number | undefined
  /** Stores with the same table share their sessions. Lower-case letters, digits and `_`. Default `'sessions'`. */
  readonly table?: string | undefined
  /** How long a call may take, in milliseconds. Default 1000. */
  readonly deadline?: number | undefined
  /** The most data that one session may have, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** The checked options. */
export interface Settings {
  readonly url: string
  readonly connections: number
  readonly table: string
  readonly deadline: number
  readonly maxBytes: number
}

// TODO: name the schemes that your client takes.
const address = url({ schemes: ['db://'], example: 'db://user:password@host:1234/database' })

// TODO: allow names as long as your database does. The name becomes part of statements, so it must not contain SQL.
const table = text({
  pattern: /^[a-z_][a-z0-9_]{0,29}$/,
  expected: 'at most 30 lower-case letters, digits and _',
})

export function readStoreOptions(options: unknown): Settings {
  return readOptions(NAME, options, {
    url: address,
    connections: optional(integer({ max: 10_000 }), 10),
    table: optional(table, 'sessions'),
    deadline,
    // TODO: set `max` to the most that your database accepts in one value.
    maxBytes: optional(integer(), 2 ** 20),
  })
}
