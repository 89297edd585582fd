import { Socket } from 'node:net'
import type {} from '@sess/core' // declares the interface Adapters, which is extended below
import { type Adapter, codeOf, isError, type SqlFault, type SqlPool, sqlStore } from '@sess/core/adapter'
import { createPool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise'
import { type MysqlOptions, readMysqlOptions, type Settings } from './options.js'

export type { MysqlOptions } from './options.js'

declare module '@sess/core' {
  interface Adapters {
    mysql: MysqlOptions
  }
}

/** Stores sessions in a table of MySQL or MariaDB. */
const mysql: Adapter<MysqlOptions> = (options) => {
  const settings = readMysqlOptions(options)
  const { table, maxBytes, deadline } = settings
  return sqlStore({
    name: 'mysql',
    maxBytes,
    deadline,
    pool: openPool(settings),
    faultOf,
    statements: {
      // Texts would be compared by a collation, most of which ignore case and trailing blanks.
      table: `CREATE TABLE IF NOT EXISTS \`${table}\` (
        \`key\` VARBINARY(128) PRIMARY KEY, data LONGBLOB NOT NULL, expires_at BIGINT NOT NULL, version VARBINARY(16) NOT NULL,
        KEY (expires_at)
      ) ENGINE = InnoDB`,
      create: `INSERT INTO \`${table}\` (\`key\`, data, expires_at, version) VALUES (?, ?, ?, ?)`,
      read: `SELECT data, expires_at, version FROM \`${table}\` WHERE \`key\` = ?`,
      update: `UPDATE \`${table}\` SET data = ?, expires_at = ?, version = ? WHERE \`key\` = ? AND version = ?`,
      destroy: `DELETE FROM \`${table}\` WHERE \`key\` = ?`,
      prune: `DELETE FROM \`${table}\` WHERE expires_at <= ? LIMIT 1000`,
    },
  })
}

export default mysql

function openPool({ url = '', connections = 10, pool, deadline }: Settings): SqlPool<PoolConnection> {
  const limits = { connectionLimit: connections, connectTimeout: deadline, keepAliveInitialDelay: 10_000 }
  const used = pool ?? createPool({ uri: url, ...limits })
  // The server gives up waiting for a lock when the store does. Otherwise a write could be made long after it has failed.
  const seconds = Math.ceil(deadline / 1000)
  const setUp = `SET innodb_lock_wait_timeout = ${seconds}, lock_wait_timeout = ${seconds}`
  if (pool === undefined) used.pool.on('connection', (connection) => connection.query(setUp, () => {}))
  return {
    connect: () => used.getConnection(),
    async query(connection, sql, values) {
      // `query` would write the values into the statement, and the data as twice as many hexadecimal digits.
      const statement = { sql, rowsAsArray: false, nestTables: false }
      const [result] = await connection.execute<ResultSetHeader | RowDataPacket[]>(statement, [...values])
      return Array.isArray(result) ? { rows: result, changed: 0 } : { rows: [], changed: result.affectedRows }
    },
    release: (connection) => connection.release(),
    destroy(connection) {
      connection.destroy()
      // mysql2 only ends its socket, which would still send what it holds.
      const client = connection.connection
      if ('stream' in client && client.stream instanceof Socket) client.stream.destroy()
    },
    ...(pool === undefined && { end: () => used.end() }),
  }
}

/** Errors that mean a table which another program made, or a damaged one, and have a general SQLSTATE. */
const FOREIGN: ReadonlySet<unknown> = new Set([1034, 1194, 1195, 1288, 1364, 1366, 1471, 1932, 3819])

function faultOf(error: unknown): SqlFault | undefined {
  if (codeOf(error) === 'PROTOCOL_CONNECTION_LOST') return 'lost'
  if (!(isError(error) && 'errno' in error && 'sqlState' in error)) return undefined
  if (error.errno === 1146) return 'missing'
  if (error.errno === 1213) return 'undone' // a deadlock
  if (error.errno === 1062) return 'taken'
  // The SQLSTATEs of data, constraints and columns that do not fit.
  return FOREIGN.has(error.errno) || /^(?:2[23]|42S22)/.test(String(error.sqlState)) ? 'foreign' : undefined
}
