// Builds the library in the working directory: the `npm run build` of every package that is imported. `dist` gets an ES
// module, a CommonJS module and the declarations of both for each entry of the manifest's `exports`.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.js'
import { finishDeclarations } from './declarations.js'
import { entriesOf, manifestIn } from './manifest.js'

const TSC = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')))

const manifest = manifestIn('.')
const { libraries, commands } = entriesOf(manifest)

rmSync('dist', { recursive: true, force: true })
execFileSync(process.execPath, [TSC], { stdio: 'inherit' })
await bundle('es', [...libraries, ...commands], manifest)
await bundle('cjs', libraries, manifest)
finishDeclarations(libraries)
