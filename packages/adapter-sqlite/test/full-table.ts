/** Adds a table that has used its last number. A new row in it fails with SQLITE_FULL, which needs no full disk. */
export const ADD_FULL_TABLE: string = `
  CREATE TABLE IF NOT EXISTS full_table (number INTEGER PRIMARY KEY AUTOINCREMENT);
  INSERT OR IGNORE INTO full_table VALUES (${2n ** 63n - 1n});`

export const WRITE_TO_FULL_TABLE: string = 'INSERT INTO full_table VALUES (NULL)'

const WRITES = ['INSERT', 'UPDATE', 'DELETE']

/** After this SQL, each write to the table `sessions` fails as on a full disk. */
export const FILL_TABLE: string = [
  ADD_FULL_TABLE,
  ...WRITES.map(
    (write) => `CREATE TRIGGER IF NOT EXISTS on_${write} AFTER ${write} ON sessions BEGIN ${WRITE_TO_FULL_TABLE}; END;`,
  ),
].join('')

/** Undoes `FILL_TABLE`. */
export const EMPTY_TABLE: string = WRITES.map((write) => `DROP TRIGGER on_${write};`).join('')
