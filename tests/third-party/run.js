// Runs the conformance suite on stores that others published, and prints which clauses each one breaks. Build the
// packages of this repository, then run `npm start`. `npm start -- connect-redis` runs only stores whose name begins
// with `connect-redis`, and also prints the failures.
import { runSuite } from '@sess/conformance'
import { startRedis } from '../../scripts/servers/redis.js'
import { stores } from './stores.js'

const [chosen = ''] = process.argv.slice(2)
const redis = await startRedis()
// These libraries leave rejections and errors unhandled. They must not end this process: the suite counts them.
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
