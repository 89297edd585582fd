// vitest's globalSetup: packs the packages as npm would publish them, and installs them into an empty project.
import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findProgram } from '../../scripts/servers/binaries.js'

const PACKAGES = [
  'core',
  'adapter-cookie',
  'adapter-memory',
  'adapter-redis',
  'adapter-memcache',
  'adapter-sqlite',
  'conformance',
]

const run = promisify(execFile)
const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '../..')

/** @type {string | undefined} */
let folder

/** @param {import('vitest/node').TestProject} project */
export async function setup({ provide }) {
  const npm = process.env['npm_execpath']
  if (npm === undefined) throw new Error('Run this with npm: npm run smoke')
  await findProgram('redis-server')
  await findProgram('memcached')
  folder = mkdtempSync(join(tmpdir(), 'sess-runtimes-'))
  const workspaces = PACKAGES.map((name) => `--workspace=packages/${name}`)
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...workspaces]
  const { stdout } = await run(process.execPath, [npm, ...pack], { cwd: root })
  const packed = /** @type {{ name: string, filename: string }[]} */ (JSON.parse(stdout))
  const dependencies = Object.fromEntries(packed.map(({ name, filename }) => [name, `file:${filename}`]))

  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', dependencies }))
  copyFileSync(join(here, 'application.js'), join(folder, 'application.js'))
  // Deno cannot install tarballs, so it runs what Bun installed.
  await run(join(here, 'node_modules/.bin/bun'), ['install'], { cwd: folder })
  provide('folder', folder)
}

export function teardown() {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}
