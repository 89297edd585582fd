import { createRequire } from 'node:module'
import type Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'

/**
 * The copy of better-sqlite3 that the adapter loads, so resolved by Node and not by Vite: two copies of SQLite in one
 * process release each other's locks.
 */
export const Raw: typeof Database = createRequire(import.meta.url)('better-sqlite3')

/** Opens the file of a store without the store, and closes it when the test ends. */
export function openRaw(file: string): Database.Database {
  const database = new Raw(file)
  onTestFinished(() => void database.close())
  return database
}
