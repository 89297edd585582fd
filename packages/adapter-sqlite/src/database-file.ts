import { accessSync, closeSync, constants, openSync, realpathSync, rmSync, statSync } from 'node:fs'
import { codeOf, SessError } from '@sess/core/adapter'
import Database from 'better-sqlite3'
import { leavesFileUsable } from './failure.js'

export interface FileOptions {
  readonly file: string
  readonly durability: 'normal' | 'full'
}

interface Opened<T> {
  readonly database: Database.Database
  readonly content: T
  readonly identity: string | undefined
  /** The files that SQLite creates next to this one, each with its identity. */
  readonly beside: ReadonlyMap<string, string | undefined>
}

/** Milliseconds between two checks that the file is still the one that was opened. */
const LOOK_INTERVAL = 100

/**
 * A database in a file. It is opened on first use, and again after an error and when the file was deleted or replaced.
 * SQLite does not notice that a file was deleted or replaced: it would go on writing to a file that no path leads to.
 */
export class DatabaseFile<T> {
  readonly #options: FileOptions
  readonly #prepare: (database: Database.Database) => T
  #opened: Opened<T> | undefined
  #looksAt = 0
  #isEnded = false

  /** `prepare` turns an open database into the content that `use` passes to its callers. */
  constructor(options: FileOptions, prepare: (database: Database.Database) => T) {
    this.#options = options
    this.#prepare = prepare
  }

  /** Throws after `end`: a call that waited for a lock has failed for its caller by then, and must not open the file. */
  use<R>(work: (content: T) => R): R {
    if (this.#isEnded) throw new Error('The store was closed.')
    const { content } = this.#current()
    try {
      return work(content)
    } catch (error) {
      // A disk that is full or read-only may not even allow that the file is opened again.
      if (!leavesFileUsable(error)) this.close()
      throw error
    }
  }

  /** Closes the file. The next `use` opens it again. */
  close(): void {
    this.#opened?.database.close()
    this.#opened = undefined
  }

  /** Closes the file for good. */
  end(): void {
    this.#isEnded = true
    this.close()
  }

  #current(): Opened<T> {
    const now = performance.now()
    if (now >= this.#looksAt) {
      this.#looksAt = now + LOOK_INTERVAL
      if (this.#opened && identify(this.#options.file) !== this.#opened.identity) this.#abandon(this.#opened)
    }
    return (this.#opened ??= this.#open())
  }

  /** Deletes the files next to a file that is gone. SQLite would use them as part of the next file at that path. */
  #abandon({ beside }: Opened<T>): void {
    this.close()
    for (const [path, identity] of beside) if (identify(path) === identity) rmSync(path, { force: true })
  }

  #open(): Opened<T> {
    const { file } = this.#options
    createPrivately(file)
    // SQLite reads a read-only file, but creates files next to it that stay read-only for good.
    accessSync(file, constants.R_OK | constants.W_OK)
    const identity = identify(file)
    const path = realpathSync(file)
    const database = new Database(path, { fileMustExist: true, timeout: 0 })
    try {
      configure(database, path, this.#options.durability)
      const content = this.#prepare(database)
      const beside = ['-wal', '-shm'].map((suffix) => [path + suffix, identify(path + suffix)] as const)
      // If the file was replaced during this, the next check abandons it. The files next to it belong to the new file.
      return { database, content, identity, beside: new Map(identify(file) === identity ? beside : []) }
    } catch (error) {
      database.close()
      throw error
    }
  }
}

/** The device and inode of a file. `undefined`: there is no file. */
function identify(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}`
}

/**
 * Creates the file with permissions for its owner only. SQLite gives the files next to it the same permissions. A file
 * that exists is left as it is.
 */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    // Without `x`, this would open a file that exists, and closing it would release this process's locks on it.
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

function configure(database: Database.Database, path: string, durability: 'normal' | 'full'): void {
  const mode = (): unknown => database.pragma('journal_mode', { simple: true })
  if (mode() !== 'wal') {
    const clear = database.transaction(() => {
      // The file is locked and has no write-ahead log. An index of a log is then left over from an earlier file.
      if (mode() !== 'wal') rmSync(`${path}-shm`, { force: true })
    })
    clear.exclusive()
    database.pragma('journal_mode = WAL')
    if (mode() !== 'wal') {
      throw new SessError(
        'UNAVAILABLE',
        'The sqlite store cannot use a write-ahead log in the folder of its file. Is the folder on a network file system?',
      )
    }
  }
  database.pragma(`synchronous = ${durability}`)
  // In pages. A checkpoint blocks until the log is moved to the file. With SQLite's default, 1000, it took up to 30 ms.
  database.pragma('wal_autocheckpoint = 250')
  // On macOS, a flush reaches the disk only with this setting.
  database.pragma(`fullfsync = ${durability === 'full'}`)
}
