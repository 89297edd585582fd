import { safeCause, SessError } from '@sess/core/adapter'

/** The code that better-sqlite3 or Node gave an error, such as `SQLITE_BUSY` or `EACCES`. `''`: it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Whether another process has the lock. Nothing was done then, and the call can be repeated. */
export function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_BUSY')
}

/** The error that the store reports for an error of SQLite. `undefined`: the store just failed. */
export function mapError(error: unknown): SessError | undefined {
  if (isBusy(error)) {
    return new SessError('UNAVAILABLE', `Another process held the lock of the sqlite store's file for too long.`, {
      cause: safeCause(error),
    })
  }
  if (/^SQLITE_(?:CORRUPT|NOTADB)/.test(codeOf(error))) {
    return new SessError(
      'CORRUPT',
      `The file of the sqlite store is damaged, or is not a SQLite database. Restore it, or delete it to start empty.`,
      { cause: safeCause(error) },
    )
  }
  return undefined
}
