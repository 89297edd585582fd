import { testStore } from '@sess/conformance/vitest'
import { Pool } from 'pg'
import { afterAll } from 'vitest'
import postgres, { type PostgresOptions } from '../src/index.js'
import { server } from './server.js'

const urlOf = (address: string) => `postgres://postgres@${address}/postgres`

const pool = new Pool({ connectionString: urlOf(server.tcp) })
// The suite restarts the server, and an 'error' event without a listener would end the process.
pool.on('error', () => {})
afterAll(() => pool.end())

testStore<PostgresOptions>({
  adapter: postgres,
  // The suite opens about a hundred stores, and PostgreSQL starts a process for each connection.
  options: ({ scope, address }) => ({ url: urlOf(address), table: scope, connections: 4, deadline: 4000 }),
  backend: {
    ...server,
    async plant(scope, key, bytes) {
      const foreign = Buffer.from(bytes)
      const sql = `INSERT INTO "${scope}" (key, data, expires_at, version) VALUES ($1, $2, 1, $3)`
      await pool.query(sql, [key, foreign, foreign.toString('hex')])
    },
  },
  wrong: [{ url: 'http://127.0.0.1' }, { url: 'postgres://127.0.0.1:99999' }, { table: 'Sessions' }, { pool: {} }],
  passedIn: {
    options: ({ scope }) => ({ pool, table: scope }),
    isOpen: async () => (await pool.query('SELECT 1')).rowCount === 1,
  },
})
