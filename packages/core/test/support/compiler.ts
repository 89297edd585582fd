import { fileURLToPath } from 'node:url'
import type { Installation } from './installation.js'

export interface Diagnostic {
  readonly line: number
  readonly text: string
}

const TSC = fileURLToPath(new URL('../../../../node_modules/typescript/bin/tsc', import.meta.url))

const STRICT = {
  target: 'es2022',
  strict: true,
  skipLibCheck: false,
  moduleDetection: 'force',
  noEmit: true,
}

/** Compiles the files of an application; resolves with the diagnostics of each file. */
export async function compile(
  application: Installation,
  name: string,
  files: readonly string[],
  options: object,
): Promise<ReadonlyMap<string, readonly Diagnostic[]>> {
  const config = `tsconfig.${name}.json`
  application.write({ [config]: JSON.stringify({ compilerOptions: { ...STRICT, ...options }, files }) })
  const { stdout, stderr } = await application.node([TSC, '--project', config, '--pretty', 'false'])
  if (stderr !== '') throw new Error(stderr)
  return diagnosticsOf(stdout)
}

function diagnosticsOf(output: string): ReadonlyMap<string, readonly Diagnostic[]> {
  const found = new Map<string, Diagnostic[]>()
  if (output === '') return found
  // The further lines of a diagnostic are indented.
  for (const text of output.split(/\n(?! )/)) {
    const [, file, line] = /^(.+?)\((\d+),\d+\): error /.exec(text) ?? []
    if (file === undefined || line === undefined) throw new Error(`not a diagnostic: ${text}`)
    found.set(file, [...(found.get(file) ?? []), { line: Number(line), text }])
  }
  return found
}
