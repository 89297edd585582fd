/**
 * The sqlite store: sessions in one file, which the processes of one machine share. `sessions('sqlite', …)` loads it.
 *
 * @module @sess/adapter-sqlite
 */
import { type Adapter, corrupt, MAX_TIME, newVersion, serverStore, type Stored } from '@sess/core/adapter'
import { loadBinding } from './binding.js'
import { DatabaseFile } from './database-file.js'
import { mapError } from './failure.js'
import { GroupCommit } from './group-commit.js'
import { LockQueue } from './lock-queue.js'
import { readMounts } from './mount.js'
import { readSqliteOptions, type SqliteOptions } from './options.js'
import { checkSetUp } from './set-up.js'
import { openTable, type Row } from './table.js'

export type { SqliteOptions } from './options.js'

/** The package and its version. The build puts it here. */
declare const PACKAGE_ID: string

/** Rows that one step of `prune` deletes, which takes a few milliseconds. */
const PRUNE_STEP = 100

const VERSION = /^[\w-]{16}$/

/** Stores sessions in one file, which the processes of one machine share. */
const sqlite: Adapter<SqliteOptions> = (options) => {
  const { table, maxBytes, deadline, ...fileOptions } = readSqliteOptions(options)
  loadBinding()
  const file = new DatabaseFile(fileOptions, (database) => openTable(database, table))
  const reads = new LockQueue(deadline)
  const writes = new GroupCommit(file, new LockQueue(deadline))

  return serverStore({
    name: 'sqlite',
    maxBytes,
    deadline,
    // The queues enforce the deadline. They cannot bound the wait of SQLite for the disk, which blocks the process.
    ownsDeadline: true,
    mapError,
    create(key, { data, expiresAt }) {
      const version = newVersion()
      return writes.run(({ create }) => (create.run(key, data, expiresAt, version).changes === 1 ? version : null))
    },
    read: (key, began) => reads.run(() => entryOf(file.use(({ read }) => read.get(key))), began),
    update(key, { data, expiresAt }, version) {
      const next = newVersion()
      return writes.run(({ rewrite, update }) => {
        // A row that something else wrote can have any text as its version.
        if (!VERSION.test(version)) return null
        const isDone =
          rewrite.run(data, next, key, version, expiresAt).changes === 1 ||
          update.run(data, expiresAt, next, key, version).changes === 1
        return isDone ? next : null
      })
    },
    destroy: (key) => writes.run(({ destroy }) => void destroy.run(key)),
    async *prune(now) {
      for (;;) {
        const removed = await writes.run(({ prune }) => prune.run(now, PRUNE_STEP).changes)
        yield removed
        if (removed < PRUNE_STEP) return
      }
    },
    async check(began) {
      await reads.run(() => file.use(() => undefined), began)
      return checkSetUp(fileOptions.file, readMounts(), deadline)
    },
    close: () => file.end(),
  })
}

/** Throws `CORRUPT` if the row is not an entry. The table is strict, so the types of the columns need no check. */
function entryOf(row: Row | undefined): Stored | null {
  if (row === undefined) return null
  const [data, expiresAt, version] = row
  if (VERSION.test(version) && expiresAt >= 1 && expiresAt <= MAX_TIME) return { data, expiresAt, version }
  throw corrupt('sqlite')
}

Object.assign(sqlite, { id: PACKAGE_ID })

export default sqlite
