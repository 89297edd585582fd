import { join } from 'node:path'
import { Installation } from '../../../packages/core/test/support/installation.ts'
import { ROOT } from './document.ts'

const COMPILER_OPTIONS = {
  target: 'es2023',
  lib: ['es2023'],
  types: ['node'],
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
  // For Nest.
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  preserveSymlinks: false,
  rootDir: 'src',
  outDir: 'out',
}

/** A folder with this repository's `node_modules`. By default, it is removed when the test ends. */
export function workspace(at = Installation.forTest()): Installation {
  return at.symlink(join(ROOT, 'node_modules'), 'node_modules').write({ 'package.json': '{"type":"module"}' })
}

/** Compiles modules, given by name. Resolves with the compiler's messages, '' if there are none. */
export async function compile(at: Installation, modules: Readonly<Record<string, string>>): Promise<string> {
  at.write({ 'tsconfig.json': JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ['src'] }) })
  at.write(modules, 'src')
  const { stdout } = await at.node([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', at.path])
  return stdout
}
