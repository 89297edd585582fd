// Bundles the Worker of the folder it is started in and serves it as its wrangler.jsonc says, until the parent goes away.
// Arguments: the folder of the tools, and the Worker's variables as JSON.
import { readFileSync } from 'node:fs'

const [tools = '', variables = ''] = process.argv.slice(2)
const { default: esbuild } = await import(`${tools}/esbuild/lib/main.js`)
const { Miniflare } = await import(`${tools}/miniflare/dist/src/index.js`)

/** @typedef {{ main: string, compatibility_date: string, compatibility_flags: string[], d1_databases?: { binding: string }[] }} Config */

const text = readFileSync('wrangler.jsonc', 'utf8').replaceAll(/,(\s*[}\]])/g, '$1')
const config = /** @type {Config} */ (JSON.parse(text))
const { main, compatibility_date, compatibility_flags, d1_databases = [] } = config

await esbuild.build({
  entryPoints: [main],
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['cloudflare:*'],
  outfile: 'out.js',
})
const worker = new Miniflare({
  host: '127.0.0.1',
  port: 0,
  modules: [{ type: 'ESModule', path: 'out.js' }],
  compatibilityDate: compatibility_date,
  compatibilityFlags: compatibility_flags,
  bindings: JSON.parse(variables),
  d1Databases: Object.fromEntries(d1_databases.map(({ binding }) => [binding, binding])),
  unsafeTriggerHandlers: true,
})
console.log(String(await worker.ready))
process.stdin.resume().once('end', () => void worker.dispose())
