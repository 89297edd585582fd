import { constants } from 'node:buffer'
import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Check,
  deadline,
  integer,
  invalidOption,
  oneOf,
  optional,
  readOptions,
  SessError,
  text,
} from '@sess/core/adapter'

/** The file, and how to use it. `INVALID_OPTION` names an option that is wrong. */
export interface SqliteOptions {
  /**
   * The file that holds the sessions: a path, or a `file:` URL. A relative path starts at the working directory. The
   * file is made when it is first used; its folder must exist. Left out, it is `sessions.sqlite`; given as `undefined`,
   * by an environment variable that is missing, it is an error.
   */
  readonly file?: string | URL | undefined
  /** Stores of one table in one file are one store. Lower-case letters, digits, `_`. Default `'sessions'`. */
  readonly table?: string | undefined
  /**
   * `'normal'`: what was stored survives the end of the process, however it ends. `'full'`: it survives a power failure
   * too, at the price of a disk flush for each write. Default `'normal'`.
   */
  readonly durability?: 'normal' | 'full' | undefined
  /** How long one call may take, in milliseconds; above all, waiting for another process's lock. Default 1000. */
  readonly deadline?: number | undefined
  /** The longest data of one session, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** Lower case, since SQLite takes names that differ in case for one; and none of SQLite's own. */
const TABLE = /^(?!sqlite_)[a-z_][a-z0-9_]{0,62}$/

const filePath: Check<string> = (value, path) => {
  const given = value instanceof URL && value.protocol === 'file:' ? fileURLToPath(value) : value
  // better-sqlite3 trims a path, and SQLite ends it at NUL: what is made must be what was named.
  const isPath = typeof given === 'string' && given !== '' && given.trim() === given && !given.includes('\0')
  if (!isPath || given === ':memory:' || given.startsWith('file:')) {
    throw invalidOption(path, value, `a file's path or file: URL (to keep sessions in memory, use the memory store)`)
  }
  const absolute = resolve(given)
  if (statSync(dirname(absolute), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new SessError(
      'INVALID_OPTION',
      `Option ${path} names a file in a folder that does not exist; make the folder first. ` +
        `A relative path starts at the working directory, ${process.cwd()}.`,
    )
  }
  return absolute
}

/** What `SqliteOptions` come to: every one of them has a value, and `file` is an absolute path. */
export interface SqliteSettings {
  readonly file: string
  readonly table: string
  readonly durability: 'normal' | 'full'
  readonly deadline: number
  readonly maxBytes: number
}

/** Whoever names a file by what is missing does not mean one in the working directory. */
function isFileNamed(options: unknown): boolean {
  return typeof options === 'object' && options !== null && 'file' in options
}

export function readSqliteOptions(options: unknown): SqliteSettings {
  return readOptions('sqlite', options, {
    file: isFileNamed(options) ? filePath : (_, path) => filePath('sessions.sqlite', path),
    table: optional(
      text({ pattern: TABLE, expected: `a name of lower-case letters, digits and _, such as 'sessions'` }),
      'sessions',
    ),
    durability: optional(oneOf('normal', 'full'), 'normal'),
    deadline,
    maxBytes: optional(integer({ max: constants.MAX_STRING_LENGTH }), 2 ** 20),
  })
}
