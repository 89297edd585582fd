import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sqlite, { type SqliteOptions } from '@sess/adapter-sqlite'
import type { ServerStore } from '@sess/core/adapter'
import { onTestFinished } from 'vitest'
import { callsOf, failureOf, openServerStore } from '../../../tests/support/stores.ts'

/** Creates a folder and deletes it when the test ends. */
export function newFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sess-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The path of a file that does not exist yet, in a new folder. */
export function newFile(): string {
  return join(newFolder(), 'sessions.sqlite')
}

/** Opens a store on a new file, unless one is given, and closes it when the test ends. */
export function openStore(options: Partial<SqliteOptions> = {}): ServerStore {
  return openServerStore(sqlite, { file: newFile(), ...options })
}

/** One call of each method, `prune` included. */
export function allCallsOf(store: ServerStore) {
  const prune = () => store.prune?.(1) ?? Promise.reject(new Error('there is no prune'))
  return { ...callsOf(store), prune }
}

/** The code of the error that each method fails with. */
export async function codesOf(store: ServerStore): Promise<Readonly<Record<string, string>>> {
  const codes: Record<string, string> = {}
  for (const [name, call] of Object.entries(allCallsOf(store))) codes[name] = (await failureOf(call)).code
  return codes
}

export function all(code: string): Readonly<Record<string, string>> {
  return { create: code, read: code, update: code, destroy: code, prune: code }
}
