import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import type { MakeSessions } from './owner-race.ts'

const CORE = fileURLToPath(new URL('../../', import.meta.url))

/** One piece of the built code, and what stands there instead. */
export type Mutation = readonly (readonly [was: string, is: string])[]

/** The `sessions` of a copy of core in which something is wrong. The copy is removed when the test ends. */
export async function mutated(mutation: Mutation): Promise<MakeSessions> {
  // Within the package, so that the copy finds what core depends on.
  const folder = mkdtempSync(join(CORE, 'node_modules', '.mutant-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  cpSync(join(CORE, 'dist'), folder, { recursive: true, filter: (path) => !path.endsWith('.ts') })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const file = join(folder, 'index.js')
  let code = readFileSync(file, 'utf8')
  for (const [was, is] of mutation) {
    const parts = code.split(was)
    if (parts.length !== 2) throw new Error(`The code has ${parts.length - 1} pieces like this, not one: ${was}`)
    code = parts.join(is)
  }
  writeFileSync(file, code)
  const module: unknown = await import(pathToFileURL(file).href)
  if (!isCore(module)) throw new Error('The mutated copy exports no sessions.')
  return module.sessions
}

function isCore(module: unknown): module is { readonly sessions: MakeSessions } {
  return typeof module === 'object' && module !== null && 'sessions' in module && typeof module.sessions === 'function'
}
