import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished, vi } from 'vitest'

export const servers: URL = new URL('../servers/', import.meta.url)

/** Makes an empty folder, and undoes at the end of the test what it changed in the environment and mocked. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sess-scripts-'))
  onTestFinished(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** Runs the statements in a process. Resolves with what it prints, once it exits. */
export async function outputOf(statements: string, env: Record<string, string>): Promise<string> {
  const args = ['--input-type=module', '--eval', statements]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })
  return stdout
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  await once(server.close(), 'close')
  return true
}
