import { testStore } from '@sess/conformance/vitest'
import { createPool } from 'mysql2/promise'
import { afterAll } from 'vitest'
import mysql, { type MysqlOptions } from '../src/index.js'
import { server } from './server.js'

const urlOf = (address: string) => `mysql://root@${address}/test`

const pool = createPool(urlOf(server.tcp))
afterAll(() => pool.end())

testStore<MysqlOptions>({
  adapter: mysql,
  // The suite opens about a hundred stores, and the server starts a thread for each connection.
  options: ({ scope, address }) => ({ url: urlOf(address), table: scope, connections: 4, deadline: 4000 }),
  backend: {
    ...server,
    async plant(scope, key, bytes) {
      const sql = `INSERT INTO \`${scope}\` (\`key\`, data, expires_at, version) VALUES (?, ?, 1, 'foreign')`
      await pool.execute(sql, [key, Buffer.from(bytes)])
    },
  },
  wrong: [
    { url: undefined },
    { url: 'http://127.0.0.1' },
    { url: 'mysql://127.0.0.1:99999' },
    { table: 'Sessions' },
    { pool: {} },
  ],
  passedIn: {
    options: ({ scope }) => ({ pool, table: scope }),
    isOpen: async () => Array.isArray(await pool.query('SELECT 1')),
  },
})
