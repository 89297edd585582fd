import { SessError, type Version } from '@sess/core/adapter'
import type { Database, Statement } from 'better-sqlite3'

export type Row = readonly [data: string, expiresAt: number, version: Version]

/** The commands of a store. Each is one statement, and so is done whole or not at all. */
export interface Table {
  readonly transact: (work: () => void) => void
  readonly create: Statement<[key: string, data: string, expiresAt: number, version: Version]>
  readonly read: Statement<[key: string], Row>
  readonly update: Statement<[data: string, expiresAt: number, next: Version, key: string, version: Version]>
  /** As `update`, where the expiry stays: the index of it is then left alone, which is a third of the work. */
  readonly rewrite: Statement<[data: string, next: Version, key: string, version: Version, expiresAt: number]>
  readonly destroy: Statement<[key: string]>
  readonly prune: Statement<[now: number, limit: number]>
}

const COLUMNS = 'key TEXT NOT NULL PRIMARY KEY, data TEXT NOT NULL, expires_at INTEGER NOT NULL, version TEXT NOT NULL'

/** Of each column its name, its type and whether it is the primary key; of their table whether it is strict. */
const SHAPE = JSON.stringify([
  ['key', 'TEXT', 1, 1],
  ['data', 'TEXT', 0, 1],
  ['expires_at', 'INTEGER', 0, 1],
  ['version', 'TEXT', 0, 1],
])

/** Makes the table of that name where there is none. Throws `CORRUPT` where it is another's. */
export function openTable(database: Database, name: string): Table {
  if (shapeOf(database, name) === '[]') {
    const create = database.transaction(() =>
      // A table is never called what the index is: its name has no hyphen.
      database.exec(`
        CREATE TABLE IF NOT EXISTS ${name} (${COLUMNS}) STRICT;
        CREATE INDEX IF NOT EXISTS "${name}-expires_at" ON ${name} (expires_at);`),
    )
    // Begun as deferred, it would fail where another process does the same at the same time.
    create.immediate()
  }
  if (shapeOf(database, name) !== SHAPE) {
    throw new SessError(
      'CORRUPT',
      `The table ${name} in the file of the sqlite store is not one that it made. Name another by the option sqlite.table.`,
    )
  }
  const transaction = database.transaction((work: () => void) => work())
  return {
    transact: (work) => transaction.immediate(work),
    create: database.prepare(
      `INSERT INTO ${name} (key, data, expires_at, version) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    // A row as an array costs a tenth less than one as an object.
    read: database.prepare<[string], Row>(`SELECT data, expires_at, version FROM ${name} WHERE key = ?`).raw(),
    update: database.prepare(`UPDATE ${name} SET data = ?, expires_at = ?, version = ? WHERE key = ? AND version = ?`),
    rewrite: database.prepare(
      `UPDATE ${name} SET data = ?, version = ? WHERE key = ? AND version = ? AND expires_at = ?`,
    ),
    destroy: database.prepare(`DELETE FROM ${name} WHERE key = ?`),
    prune: database.prepare(
      `DELETE FROM ${name} WHERE rowid IN (SELECT rowid FROM ${name} WHERE expires_at <= ? LIMIT ?)`,
    ),
  }
}

function shapeOf(database: Database, name: string): string {
  const columns = database.prepare(
    `SELECT i.name, i.type, i.pk, l.strict FROM pragma_table_list(?) AS l, pragma_table_info(l.name) AS i ORDER BY i.cid`,
  )
  return JSON.stringify(columns.raw().all(name))
}
