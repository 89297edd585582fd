// Installs each tool of `tools/` in its own folder, as its lock says. Run by `npm run smoke`.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const npm = process.env['npm_execpath']
if (npm === undefined) throw new Error('Run this with npm: npm run smoke')

const tools = fileURLToPath(new URL('tools/', import.meta.url))
for (const tool of readdirSync(tools)) {
  const args = [npm, 'ci', '--no-audit', '--no-fund', '--prefix', `${tools}${tool}`]
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
