import { constants } from 'node:buffer'
import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Check,
  deadline,
  flag,
  integer,
  invalidOption,
  oneOf,
  optional,
  readOptions,
  SessError,
  text,
} from '@sess/core/adapter'
import { readMounts } from './mount.js'
import { assertSafePlacement } from './placement.js'

/** The file and how to use it. A wrong option throws `INVALID_OPTION`, which names it. */
export interface SqliteOptions {
  /**
   * The file of the sessions: a path or a `file:` URL. A relative path starts at the working directory. The store
   * creates the file on first use; the folder must exist. Default `'sessions.sqlite'`, if the option is left out. The
   * value `undefined`, which a missing environment variable gives, is an error.
   */
  readonly file?: string | URL | undefined
  /**
   * All stores with the same table in one file share their sessions. Lower-case letters, digits and `_`, at most 63.
   * Default `'sessions'`.
   */
  readonly table?: string | undefined
  /**
   * `'normal'`: stored sessions survive a crash of the process. `'full'`: they also survive a power failure, but each
   * commit flushes to the disk. Default `'normal'`.
   */
  readonly durability?: 'normal' | 'full' | undefined
  /**
   * `true`: the file may be on a remote file system, such as NFS or a folder that Docker Desktop shares with its host.
   * The file is safe there only if a single process ever has it open. Default `false`: such a file is an error, where the
   * operating system tells (Linux).
   */
  readonly acceptRemoteFileSystem?: boolean | undefined
  /** How long a call may wait for a lock of another process, in milliseconds. Default 1000. */
  readonly deadline?: number | undefined
  /** The largest data of one session, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** Lower case, because SQLite ignores the case of names. SQLite reserves names that begin with `sqlite_`. */
const TABLE = /^(?!sqlite_)[a-z_][a-z0-9_]{0,62}$/

const filePath: Check<string> = (value, path) => {
  const given = value instanceof URL && value.protocol === 'file:' ? fileURLToPath(value) : value
  // better-sqlite3 trims a path, and SQLite ends it at NUL. Without this check, the file could have another name.
  const isPath = typeof given === 'string' && given !== '' && given.trim() === given && !given.includes('\0')
  if (!isPath || given === ':memory:' || given.startsWith('file:')) {
    throw invalidOption(path, value, `a file's path or file: URL (to keep sessions in memory, use the memory store)`)
  }
  const absolute = resolve(given)
  if (statSync(dirname(absolute), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new SessError(
      'INVALID_OPTION',
      `Option ${path} names a file in a folder that does not exist; create the folder first. ` +
        `A relative path starts at the working directory, ${process.cwd()}.`,
    )
  }
  return absolute
}

/** The checked options. Each has a value, and `file` is an absolute path. */
export interface SqliteSettings {
  readonly file: string
  readonly table: string
  readonly durability: 'normal' | 'full'
  readonly deadline: number
  readonly maxBytes: number
}

/** A `file` of `undefined` is a missing value, such as an environment variable, and must not mean the default. */
function isFileNamed(options: unknown): boolean {
  return typeof options === 'object' && options !== null && 'file' in options
}

export function readSqliteOptions(options: unknown): SqliteSettings {
  const { acceptRemoteFileSystem, ...settings } = readOptions('sqlite', options, {
    file: isFileNamed(options) ? filePath : (_, path) => filePath('sessions.sqlite', path),
    table: optional(
      text({ pattern: TABLE, expected: `a name of lower-case letters, digits and _, such as 'sessions'` }),
      'sessions',
    ),
    durability: optional(oneOf('normal', 'full'), 'normal'),
    acceptRemoteFileSystem: optional(flag, false),
    deadline,
    maxBytes: optional(integer({ max: constants.MAX_STRING_LENGTH }), 2 ** 20),
  })
  assertSafePlacement(settings.file, acceptRemoteFileSystem, readMounts())
  return settings
}
