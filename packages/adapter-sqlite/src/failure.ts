import { safeCause, SessError } from '@sess/core/adapter'

/** What better-sqlite3 or Node says of an error, such as `SQLITE_BUSY` or `EACCES`. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Another process holds the lock: nothing was done, and what was asked for may be asked again. */
export function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_BUSY')
}

/** What SQLite's errors mean, where it is not simply that the store failed. */
export function mapError(error: unknown): SessError | undefined {
  if (isBusy(error)) {
    return new SessError('UNAVAILABLE', `Another process held the lock of the sqlite store's file for too long.`, {
      cause: safeCause(error),
    })
  }
  if (/^SQLITE_(?:CORRUPT|NOTADB)/.test(codeOf(error))) {
    return new SessError(
      'CORRUPT',
      `The file of the sqlite store is damaged, or is no SQLite database. Restore it, or delete it to begin anew.`,
      { cause: safeCause(error) },
    )
  }
  return undefined
}
