import { codeOf, type Finding, isError, newVersion, within } from '@sess/core/adapter'
import type { Settings } from './options.js'
import type { Pool } from './pool.js'
import { get, type Reply, stats } from './protocol.js'
import type { Server } from './server.js'

/** What an item has beside the data, in bytes, with the longest key. */
const OVERHEAD = 576

/** The clocks may differ by this much, in milliseconds: they are read at different moments. */
const CLOCK_MARGIN_MS = 5000

/** How much of the deadline a server has, so that one that does not answer is told apart from the others. */
const SHARE = 0.75

/**
 * What is wrong with how the servers are set up. `began`: when the call did (`performance.now()`). Rejects if the only server
 * cannot be reached.
 */
export async function checkSetUp(pool: Pool, settings: Settings, began: number): Promise<readonly Finding[]> {
  const { servers } = settings.placement
  if (servers.length === 1) return checkServer(pool, servers[0], settings, began)
  const findings = await Promise.all(
    servers.map(async (server) => {
      try {
        return await within(server.name, settings.deadline * SHARE, checkServer(pool, server, settings, began))
      } catch (error) {
        return [
          finding(
            server,
            'MEMCACHE_SERVER',
            'error',
            `does not answer (${whyOf(error)}): its sessions are out of reach.`,
          ),
        ]
      }
    }),
  )
  return findings.flat()
}

function whyOf(error: unknown): string {
  const cause = isError(error) && isError(error.cause) ? error.cause : error
  return codeOf(cause) ?? (isError(cause) ? cause.message : 'unknown')
}

async function checkServer(
  pool: Pool,
  server: Server,
  { prefix, maxBytes }: Settings,
  began: number,
): Promise<readonly Finding[]> {
  await pool.connectionTo(server).send(get(`${prefix}check-${newVersion()}`), began)
  const sent = Date.now()
  const ask = async (group: string): Promise<Fields> =>
    fieldsOf(await pool.connectionTo(server).send(stats(group), began))
  try {
    // Both have a field `evictions`: a number, and a setting.
    const [counts, options] = await Promise.all([ask(''), ask(' settings')])
    return [
      ...checkSwaps(server, options),
      ...checkItems(server, options, maxBytes),
      ...checkEvictions(server, counts),
      ...checkClock(server, counts, sent),
    ]
  } catch {
    const text =
      'does not answer to stats, so its set-up could not be looked at. Look at it yourself, or name the server instead of the proxy before it.'
    return [finding(server, 'MEMCACHE_UNSEEN', 'warning', text)]
  }
}

type Fields = ReadonlyMap<string, string>

function checkSwaps(server: Server, fields: Fields): readonly Finding[] {
  if (fields.get('cas_enabled') !== 'no') return []
  return [
    finding(
      server,
      'MEMCACHE_CAS',
      'error',
      'has compare-and-swap turned off, so no session can be updated. Start it without -C.',
    ),
  ]
}

function checkItems(server: Server, fields: Fields, maxBytes: number): readonly Finding[] {
  const largest = Number(fields.get('item_size_max') ?? Infinity)
  if (largest >= maxBytes + OVERHEAD) return []
  const text = `refuses sessions of more than about ${largest - OVERHEAD} bytes, and the option maxBytes is ${maxBytes}. Lower maxBytes, or start the server with -I 1m, its default.`
  return [finding(server, 'MEMCACHE_ITEM_SIZE', 'warning', text)]
}

function checkEvictions(server: Server, fields: Fields): readonly Finding[] {
  const evicted = Number(fields.get('evictions') ?? 0)
  if (evicted === 0) return []
  const text = `has evicted ${evicted} entries since it started, and logged out the users whose sessions were among them. Give it more memory (-m), and use it for nothing else.`
  return [finding(server, 'MEMCACHE_EVICTION', 'error', text)]
}

function checkClock(server: Server, fields: Fields, sent: number): readonly Finding[] {
  const seconds = Number(fields.get('time') ?? Number.NaN)
  if (Number.isNaN(seconds)) return []
  // The command was executed between these two moments, and the server's clock ticks once a second.
  const [earliest, latest] = [seconds * 1000 - Date.now(), seconds * 1000 + 2000 - sent]
  if (earliest <= CLOCK_MARGIN_MS && latest >= -CLOCK_MARGIN_MS) return []
  const apart = Math.round((earliest > 0 ? earliest : -latest) / 1000)
  const text = `has a clock that differs from this machine's by ${apart} s. Sessions end by the clocks of the machines that the application runs on: is this one right?`
  return [finding(server, 'MEMCACHE_CLOCK', 'warning', text)]
}

function finding({ name }: Server, code: string, severity: Finding['severity'], text: string): Finding {
  return { code, severity, message: `memcached at ${name} ${text}` }
}

/** The lines `STAT name value` of a reply. */
function fieldsOf({ value }: Reply): Fields {
  const lines = value?.toString('latin1').split('\r\n') ?? []
  return new Map(
    lines.flatMap((line) => {
      const [, name, text] = /^STAT (\S+) (.*)$/.exec(line) ?? []
      return name === undefined || text === undefined ? [] : [[name, text] as const]
    }),
  )
}
