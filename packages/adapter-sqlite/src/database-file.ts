import { accessSync, closeSync, constants, openSync, realpathSync, rmSync, statSync } from 'node:fs'
import { SessError } from '@sess/core/adapter'
import Database from 'better-sqlite3'
import { codeOf, isBusy } from './failure.js'

export interface FileOptions {
  readonly file: string
  readonly durability: 'normal' | 'full'
}

interface Opened<T> {
  readonly database: Database.Database
  readonly content: T
  readonly identity: string | undefined
  /** The files that SQLite keeps beside this one, each with its identity. */
  readonly beside: ReadonlyMap<string, string | undefined>
}

/** Between two looks at whether the file is still the one that was opened, in milliseconds. */
const LOOK_INTERVAL = 100

/**
 * A database in a file, opened when it is first used and again whenever that has become necessary: after an error,
 * and when the file was deleted or replaced. SQLite notices neither of these: it would go on writing to a file that
 * nobody finds any more.
 */
export class DatabaseFile<T> {
  readonly #options: FileOptions
  readonly #prepare: (database: Database.Database) => T
  #opened: Opened<T> | undefined
  #looksAt = 0

  /** `prepare` makes of an open database what `use` gives to its callers. */
  constructor(options: FileOptions, prepare: (database: Database.Database) => T) {
    this.#options = options
    this.#prepare = prepare
  }

  use<R>(work: (content: T) => R): R {
    const { content } = this.#current()
    try {
      return work(content)
    } catch (error) {
      // Of these two, opening anew heals neither, and a full disk may not even allow it.
      if (!isBusy(error) && codeOf(error) !== 'SQLITE_FULL') this.close()
      throw error
    }
  }

  close(): void {
    this.#opened?.database.close()
    this.#opened = undefined
  }

  #current(): Opened<T> {
    const now = performance.now()
    if (now >= this.#looksAt) {
      this.#looksAt = now + LOOK_INTERVAL
      if (this.#opened && identify(this.#options.file) !== this.#opened.identity) this.#abandon(this.#opened)
    }
    return (this.#opened ??= this.#open())
  }

  /** Takes away what was left beside a file that is gone: SQLite would take it for part of the file that comes next. */
  #abandon({ beside }: Opened<T>): void {
    this.close()
    for (const [path, identity] of beside) if (identify(path) === identity) rmSync(path, { force: true })
  }

  #open(): Opened<T> {
    const { file } = this.#options
    createPrivately(file)
    // From a file that is read-only SQLite reads, and leaves others beside it that stay read-only for ever.
    accessSync(file, constants.R_OK | constants.W_OK)
    const identity = identify(file)
    const path = realpathSync(file)
    const database = new Database(path, { fileMustExist: true, timeout: 0 })
    try {
      configure(database, path, this.#options.durability)
      const content = this.#prepare(database)
      const beside = ['-wal', '-shm'].map((suffix) => [path + suffix, identify(path + suffix)] as const)
      // Replaced meanwhile, it is abandoned at the next look; what is beside it then belongs to the file that is new.
      return { database, content, identity, beside: new Map(identify(file) === identity ? beside : []) }
    } catch (error) {
      database.close()
      throw error
    }
  }
}

/** By device and inode; `undefined` where there is no file. */
function identify(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}`
}

/** Makes the file for its owner alone; SQLite gives the same permissions to those beside it. One that exists stays as it is. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    // Without `x` it would be opened, and closing it again would end the locks that this process holds on it.
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

function configure(database: Database.Database, path: string, durability: 'normal' | 'full'): void {
  const mode = (): unknown => database.pragma('journal_mode', { simple: true })
  if (mode() !== 'wal') {
    const clear = database.transaction(() => {
      // As long as the file is locked and has no log, an index of one is left over from a file that was here before.
      if (mode() !== 'wal') rmSync(`${path}-shm`, { force: true })
    })
    clear.exclusive()
    database.pragma('journal_mode = WAL')
    if (mode() !== 'wal') {
      throw new SessError(
        'UNAVAILABLE',
        'The sqlite store cannot keep a write-ahead log where its file is. Is that a network file system?',
      )
    }
  }
  database.pragma(`synchronous = ${durability}`)
  // Pages: what the log holds is moved to the file at once, and with the 1000 that are usual that was seen to take 30 ms.
  database.pragma('wal_autocheckpoint = 250')
  // macOS needs to be told that a flush goes as far as the disk.
  database.pragma(`fullfsync = ${durability === 'full'}`)
}
