import { createRequire } from 'node:module'
import type Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'

/** As Node resolves it for the adapter, and not Vite: two copies of SQLite in one process end each other's locks. */
export const Raw: typeof Database = createRequire(import.meta.url)('better-sqlite3')

/** Opens the file of a store past the store, until the test ends. */
export function openRaw(file: string): Database.Database {
  const database = new Raw(file)
  onTestFinished(() => void database.close())
  return database
}
