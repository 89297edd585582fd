// Runs the suite over stores that others published, and prints which clauses each breaks. Run by `npm start`, after the
// packages of this repository are built. `npm start -- connect-redis` runs those whose name begins so, and tells more.
import { runSuite } from '@sess/conformance'
import { startRedis } from '../../scripts/servers/redis.js'
import { stores } from './stores.js'

const [chosen = ''] = process.argv.slice(2)
const redis = await startRedis()
// What these libraries leave unhandled is theirs, and the suite counts it.
process.on('unhandledRejection', () => undefined)
process.on('uncaughtException', (error) => console.error(`uncaught: ${error.message}`))

for (const { adapter, of, isRedis } of stores) {
  if (!of.startsWith(chosen)) continue
  /** @type {import('@sess/conformance').Backend | 'in-process'} */
  const backend = isRedis ? { tcp: `127.0.0.1:${redis.port}`, reclaimsWithin: 1500 } : 'in-process'
  const { outcomes } = await runSuite({
    adapter,
    options: ({ scope, address }) => ({ scope, ...(isRedis && { address }) }),
    backend,
  })
  const broken = outcomes.filter(({ status }) => status === 'broken')
  const clauses = [...new Set(broken.map(({ clause }) => clause))]
  console.log(`${of}: ${clauses.length === 0 ? 'breaks nothing' : `breaks ${clauses.join(', ')}`}`)
  if (chosen !== '') for (const { title, message } of broken) console.log(`\n${title}\n${message ?? ''}`)
}

await redis.stop()
process.exit()
