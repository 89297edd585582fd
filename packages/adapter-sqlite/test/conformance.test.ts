import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import sqlite from '@sess/adapter-sqlite'
import { testStore } from '@sess/conformance/vitest'
import { Raw } from './raw.js'

const root = mkdtempSync(join(tmpdir(), 'sess-'))
const [here, away] = [join(root, 'here'), join(root, 'away')]
const file = join(here, 'sessions.sqlite')
mkdirSync(here)

/** A store checks its file every 100 ms. */
const NOTICED_AFTER_MS = 150

async function stop(): Promise<void> {
  renameSync(here, away)
  await setTimeout(NOTICED_AFTER_MS)
}

function start(): void {
  try {
    renameSync(away, here)
  } catch {
    // The folder is already there: `start` may be called without `stop`, or twice.
  }
}

function plant(table: string, key: string, bytes: Uint8Array): void {
  const database = new Raw(file)
  database
    .prepare(`INSERT OR REPLACE INTO ${table} VALUES (@key, CAST(@bytes AS TEXT), 4102444800000, CAST(@bytes AS TEXT))`)
    .run({ key, bytes })
  database.close()
}

testStore({
  adapter: sqlite,
  options: ({ scope }) => ({ file, table: scope }),
  backend: {
    stop,
    start,
    restart: async () => {
      await stop()
      start()
    },
    plant,
  },
  wrong: [
    { file: '' },
    { file: ':memory:' },
    { file, table: 'Sessions' },
    { file, table: 'sqlite_sessions' },
    { file, durability: 'off' },
    { file, deadline: 0 },
    { file, maxBytes: 0 },
  ],
  close: () => rmSync(root, { recursive: true, force: true }),
})
