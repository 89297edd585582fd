import { codeOf, safeCause, SessError } from '@sess/core/adapter'

/** Whether another process has the lock. Nothing was done then, and the call can be repeated. */
export function isBusy(error: unknown): boolean {
  return codeOf(error)?.startsWith('SQLITE_BUSY') ?? false
}

/** Whether there was no room for a write. The transaction was rolled back, so the write can be repeated. */
export function isFull(error: unknown): boolean {
  return codeOf(error) === 'SQLITE_FULL'
}

/** Whether the file is as usable as before: it still answers reads, and opening it again would cure nothing. */
export function leavesFileUsable(error: unknown): boolean {
  return isBusy(error) || isFull(error) || codeOf(error) === 'SQLITE_IOERR_WRITE'
}

/** The error to report for each code of SQLite and Node. The first pattern that matches the code decides. */
const MEANINGS = [
  [/^SQLITE_BUSY/, 'UNAVAILABLE', `Another process held the lock of the sqlite store's file for too long.`],
  [
    /^SQLITE_(?:CORRUPT|NOTADB)/,
    'CORRUPT',
    'The file of the sqlite store is damaged, or is not a SQLite database. Restore it, or delete it to start empty.',
  ],
  [
    /^SQLITE_FULL$/,
    'UNAVAILABLE',
    'The disk of the sqlite store is full. Sessions can still be read. Make room on the disk, and writes work again.',
  ],
  [
    /^SQLITE_IOERR_WRITE$/,
    'UNAVAILABLE',
    'The disk of the sqlite store refuses writes: a quota or a limit on the size of a file is reached, the file system ' +
      'has become read-only, or the disk fails. Sessions can still be read.',
  ],
  [
    /^SQLITE_IOERR_SHM/,
    'UNAVAILABLE',
    'The sqlite store cannot use the file -shm next to its file: the disk is full, or its file system cannot share memory ' +
      'between processes, like some that are shared with a host or over a network. Make room, or move the file to a local disk.',
  ],
  [
    /^(?:SQLITE_(?:CANTOPEN|READONLY)|EACCES$|EPERM$|EROFS$)/,
    'UNAVAILABLE',
    'The sqlite store cannot write its file, or cannot create the files -wal and -shm next to it. ' +
      'The process needs to be allowed to write the file and its folder, on a file system that is not read-only.',
  ],
] as const

/** The error that the store reports for an error of SQLite or Node. `undefined`: the store just failed. */
export function mapError(error: unknown): SessError | undefined {
  const found = MEANINGS.find(([pattern]) => pattern.test(codeOf(error) ?? ''))
  if (found === undefined) return undefined
  const [, code, message] = found
  return new SessError(code, message, { cause: safeCause(error) })
}
