// vitest's globalSetup: packs the packages as npm would publish them. Each application installs those that it uses.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findProgram } from '../../scripts/servers/binaries.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

/** @type {string | undefined} */
let folder

/** @param {import('vitest/node').TestProject} project */
export async function setup({ provide }) {
  const npm = process.env['npm_execpath']
  if (npm === undefined) throw new Error('Run this with npm: npm run frameworks')
  await findProgram('redis-server')
  folder = mkdtempSync(join(tmpdir(), 'sess-frameworks-'))
  const pack = ['pack', '--json', '--ignore-scripts', '--workspaces', '--pack-destination', folder]
  const { stdout } = await run(process.execPath, [npm, ...pack], { cwd: root, maxBuffer: 2 ** 24 })
  const packed = /** @type {{ name: string, filename: string }[]} */ (JSON.parse(stdout))
  const path = folder
  provide('tarballs', Object.fromEntries(packed.map(({ name, filename }) => [name, join(path, filename)])))
  provide('npm', npm)
}

export function teardown() {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}
