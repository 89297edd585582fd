// How long the sqlite store blocks the event loop while another process holds the lock of its file, and while a million
// expired sessions are pruned. Prints the longest time between two turns of the loop, in milliseconds, and the same for
// an idle process, which is the machine's share.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import sqlite from '@sess/adapter-sqlite'
import { createAdapterContext, newVersion } from '@sess/core/adapter'
import Database from 'better-sqlite3'
import { SECRET } from './session.js'

const ROWS = 1_000_000
const LOCKED_MS = 900
const [, , lockedFile] = process.argv

if (lockedFile === undefined) await measure()
else await hold(lockedFile)

/** Runs in another process: holds the lock for LOCKED_MS. @param {string} file */
async function hold(file) {
  const database = new Database(file)
  database.exec('BEGIN IMMEDIATE')
  process.send?.('locked')
  await sleep(LOCKED_MS)
  database.exec('COMMIT')
  database.close()
  process.disconnect()
}

/** The longest gap between two turns of the event loop while `work` goes on. @param {() => Promise<unknown>} work */
async function longestGap(work) {
  const watch = { longest: 0, last: performance.now(), isOver: false }
  const look = () => {
    const now = performance.now()
    watch.longest = Math.max(watch.longest, now - watch.last)
    watch.last = now
    if (!watch.isOver) setImmediate(look)
  }
  setImmediate(look)
  await work()
  watch.isOver = true
  return `${watch.longest.toFixed(1)} ms`
}

async function measure() {
  const folder = mkdtempSync(join(tmpdir(), 'sess-benchmark-'))
  const file = join(folder, 'sessions.sqlite')
  const store = sqlite({ file, deadline: 5000 }, createAdapterContext({ secret: SECRET }))
  if (store.kind !== 'server') throw new Error('The sqlite store is a server store.')
  const entry = { data: 'x'.repeat(200), expiresAt: Date.now() + 3_600_000 }
  await store.create('first', entry)

  console.log(`the process is idle for a second:        ${await longestGap(() => sleep(1000))}`)

  const holder = fork(fileURLToPath(import.meta.url), [file])
  await once(holder, 'message')
  const writes = async () => {
    await Promise.all(Array.from({ length: 64 }, (_, n) => store.create(`key${n}`, entry)))
  }
  console.log(`64 writes wait for another's lock:       ${await longestGap(writes)}   at most 25`)

  const database = new Database(file)
  const insert = database.prepare('INSERT INTO sessions (key, data, expires_at, version) VALUES (?, ?, 1, ?)')
  const version = newVersion()
  database.transaction(() => {
    for (let n = 0; n < ROWS; n++) insert.run(`expired${n}`, entry.data, version)
  })()
  // Without this, SQLite would move the write-ahead log to the file in the middle of the prune.
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.close()
  let pruned = 0
  const prune = async () => void (pruned = (await store.prune?.(1000)) ?? 0)
  console.log(`a million expired sessions are pruned:   ${await longestGap(prune)}   at most 25`)
  if (pruned !== ROWS) throw new Error(`Pruned ${pruned}.`)

  await store.close()
  rmSync(folder, { recursive: true })
}
