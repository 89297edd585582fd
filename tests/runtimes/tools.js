// Installs each tool of `tools/` in its own folder, as its lock says. Run by `npm run smoke`.
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isNightly } from '../../scripts/nightly.js'

const npm = process.env['npm_execpath'] ?? ''
if (npm === '') throw new Error('Run this with npm: npm run smoke')

// Only the nightly run needs them.
const NIGHTLY = new Set(['jest-29', 'next-15', 'next-16'])
/** How many are installed at the same time: npm waits for the registry and for the disk. */
const LANES = 3

const run = promisify(execFile)
const tools = fileURLToPath(new URL('tools/', import.meta.url))
const names = readdirSync(tools)
  .filter((tool) => isNightly || !NIGHTLY.has(tool))
  .values()

async function lane() {
  for (const tool of names) {
    const { stderr } = await run(process.execPath, [
      npm,
      'ci',
      '--no-audit',
      '--no-fund',
      '--prefix',
      `${tools}${tool}`,
    ])
    process.stderr.write(stderr)
  }
}

await Promise.all(Array.from({ length: LANES }, lane))
