import { type Finding, newVersion, within } from '@sess/core/adapter'
import type { Client, Node } from './client.js'
import { failure, isReply } from './error.js'

/** Each command that the store sends or its script runs, with arguments that change nothing: the key does not exist. */
const NEEDED: readonly (readonly [name: string, argsFor: (key: string) => (string | number)[]])[] = [
  ['get', (key) => [key]],
  ['mget', (key) => [key]],
  ['getrange', (key) => [key, 0, 0]],
  ['set', (key) => [key, '', 'PX', 1, 'XX']],
  ['del', (key) => [key]],
  ['eval', (key) => ['return 0', 1, key]],
  ['evalsha', (key) => ['0'.repeat(40), 1, key]],
  ['ping', () => []],
]

/** The clocks may differ by this much, in milliseconds: they are read at different moments. */
const CLOCK_MARGIN_MS = 5000

/** How many keys are asked for: if they all are on one server, all keys are. */
const PLACES = 16

/** How much of the deadline the servers have, so that one that does not answer is told apart from the others. */
const SHARE = 0.75

/** How many slots a Cluster has. */
const SLOTS = 16_384

/**
 * What is wrong with how Redis is set up. `began`: when the call did (`performance.now()`). Rejects with the client's error
 * if Redis cannot be reached.
 */
export async function checkSetUp(client: Client, prefix: string, began: number): Promise<readonly Finding[]> {
  const due = client.due(began)
  const asked = checkKeys(client, prefix, due)
  // The key may be on the one server of a Cluster that is down. The others then still have time to answer.
  const answered = client.isCluster ? within('redis', (due - performance.now()) / 2, asked) : asked
  const keys = await answered.catch((error: unknown) => {
    if (client.isCluster && client.masters.length > 0) return []
    throw error
  })
  // The masters of a Cluster are known by now.
  const seen = await Promise.all(
    client.masters.map(async (node) => ({ node, findings: await checkNode(client, node, due) })),
  )
  if (!client.isCluster) return [...keys, ...seen.flatMap(({ findings }) => findings.map((each) => of('Redis', each)))]
  const alike = new Map<string, { readonly each: Finding; readonly names: string[] }>()
  for (const { node, findings } of seen) {
    for (const each of findings) {
      const same = alike.get(each.message) ?? { each, names: [] }
      same.names.push(node.name)
      alike.set(each.message, same)
    }
  }
  return [...keys, ...[...alike.values()].map(({ each, names }) => of(`Redis at ${names.join(', ')}`, each))]
}

/** A finding of a server, of which its message says it. */
function of(server: string, { code, severity, message }: Finding): Finding {
  return finding(code, severity, `${server} ${message}`)
}

/** What is wrong with the keys of the store, and what may be done with them. */
async function checkKeys(client: Client, prefix: string, due: number): Promise<readonly Finding[]> {
  const newKey = (): string => `${prefix}check-${newVersion()}`
  const key = newKey()
  const refusals = await Promise.all(
    NEEDED.map(async ([name, argsFor]) => ({ name, refusal: await refusalOf(client.send(name, argsFor(key), due)) })),
  )
  const findings: Finding[] = []
  const commands = refusals.flatMap(({ name, refusal }) => (refusal === 'command' ? [name] : []))
  if (commands.length > 0) {
    // Without MGET, the store asks for each session by itself.
    const severity = commands.every((name) => name === 'mget') ? 'warning' : 'error'
    const rights = commands.map((name) => `+${name}`).join(' ')
    const text = `does not run ${commands.join(', ').toUpperCase()} for this user. Grant the rights: ACL SETUSER … ${rights}.`
    findings.push(finding('REDIS_RIGHTS', severity, `Redis ${text}`))
  }
  if (refusals.some(({ refusal }) => refusal === 'key')) {
    const begin = client.keyPrefix + prefix
    const text = `does not let this user use the keys that begin with ${JSON.stringify(begin)}. Grant the right: ACL SETUSER … ~${begin}*.`
    findings.push(finding('REDIS_RIGHTS', 'error', `Redis ${text}`))
  }
  const places = client.isCluster ? [] : Array.from({ length: PLACES }, () => client.send('get', [newKey()], due))
  if ((await Promise.all(places.map(refusalOf))).includes('moved')) {
    const text =
      'is one node of a Cluster, and has only a part of the sessions. Name some nodes in the option nodes, instead of url.'
    findings.push(finding('REDIS_CLUSTER', 'error', `Redis ${text}`))
  }
  return findings
}

type Refusal = 'command' | 'key' | 'moved'

/** What the reply to a command refuses. `undefined`: nothing. Rejects if the server was not reached or lets nobody in. */
async function refusalOf(reply: Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await reply
    return undefined
  } catch (error) {
    if (!isReply(error)) throw error
    const { message } = error
    if (/^(?:NOAUTH|WRONGPASS)/.test(message)) throw error
    if (message.startsWith('NOPERM')) return message.includes(' key') ? 'key' : 'command'
    if (message.startsWith('MOVED')) return 'moved'
    return message.startsWith('ERR unknown command') ? 'command' : undefined
  }
}

/** What is wrong with a server. The messages are sentences without the server, which is their subject. */
async function checkNode(client: Client, node: Node, due: number): Promise<readonly Finding[]> {
  const unseen: string[] = []
  /** `undefined`: the server refuses the command. */
  const ask = async (name: string, ...args: readonly string[]): Promise<unknown> => {
    try {
      return await client.sendTo(node, name, [...args], due)
    } catch (error) {
      if (!isReply(error)) throw error
      unseen.push([name, ...args].join(' ').toUpperCase())
      return undefined
    }
  }
  const began = Date.now()
  const replies = Promise.all([
    ask('info'),
    ask('config', 'get', 'save'),
    ask('config', 'get', 'appendfsync'),
    ask('time'),
    client.isCluster ? ask('cluster', 'info') : '',
    client.isCluster ? ask('config', 'get', 'cluster-require-full-coverage') : '',
  ])
  try {
    // One server of a Cluster may be down, and the others answer.
    const ms = client.isCluster ? (due - performance.now()) * SHARE : due - performance.now()
    const [info, save, fsync, time, cluster, coverage] = await within('redis', ms, replies)
    const fields = fieldsOf(info)
    const findings = [
      ...checkRole(fields),
      ...checkMemory(fields),
      ...checkPersistence(fields, settingOf(save), settingOf(fsync)),
      ...checkClock(time, began),
      ...checkCluster(fieldsOf(cluster)),
      ...checkCoverage(settingOf(coverage)),
    ]
    return unseen.length === 0 ? findings : [...findings, unseenBy(unseen)]
  } catch (error) {
    if (!client.isCluster) throw error
    return [finding('REDIS_NODE', 'error', 'does not answer: its sessions are out of reach.')]
  }
}

function unseenBy(commands: readonly string[]): Finding {
  const text = `does not run ${commands.join(', ')} for this user, so a part of its set-up could not be looked at. Grant the rights, or look at it yourself: the README of the adapter says at what.`
  return finding('REDIS_UNSEEN', 'warning', text)
}

type Fields = ReadonlyMap<string, string>

function checkRole(fields: Fields): readonly Finding[] {
  if (fields.get('role') !== 'slave') return []
  const text =
    'is a replica: what is stored there is lost when it copies its master again. Connect to the master; if the master can change, use sentinels or nodes.'
  return [finding('REDIS_REPLICA', 'error', text)]
}

function checkMemory(fields: Fields): readonly Finding[] {
  const policy = fields.get('maxmemory_policy') ?? 'noeviction'
  if (policy === 'noeviction' || Number(fields.get('maxmemory') ?? 0) === 0) return []
  const evicted = Number(fields.get('evicted_keys') ?? 0)
  const what = policy.startsWith('volatile') ? 'keys that expire, which all sessions do' : 'any keys, sessions included'
  const done = evicted > 0 ? `has evicted ${evicted} keys since it started` : 'evicts keys when its memory is full'
  const text = `${done}: maxmemory-policy ${policy} evicts ${what}, and logs their users out. Set maxmemory-policy noeviction, and use another server as a cache.`
  return [finding('REDIS_EVICTION', evicted > 0 ? 'error' : 'warning', text)]
}

function checkPersistence(fields: Fields, save: string | undefined, fsync: string | undefined): readonly Finding[] {
  const findings: Finding[] = []
  const failed = ['rdb_last_bgsave_status', 'aof_last_bgrewrite_status', 'aof_last_write_status'].filter(
    (name) => fields.has(name) && fields.get(name) !== 'ok',
  )
  if (failed.length > 0) {
    const text = `failed to write to its disk (${failed.join(', ')}), so a restart may lose sessions, and it may refuse changes. See its log: is the disk full?`
    findings.push(finding('REDIS_DISK', 'error', text))
  }
  const isAppending = fields.get('aof_enabled')
  if (isAppending === '1' && fsync === 'no') {
    const text =
      'leaves it to the operating system when changes reach the disk: a crash of the machine loses up to half a minute of them, and revives sessions that ended in it. Set appendfsync everysec.'
    findings.push(finding('REDIS_FSYNC', 'warning', text))
  }
  if (isAppending === '0' && save === '') {
    findings.push(
      finding('REDIS_UNSAVED', 'warning', 'saves nothing to disk: a restart ends all sessions. Set appendonly yes.'),
    )
  } else if (isAppending === '0' && save !== undefined) {
    const text =
      'saves to disk from time to time only: a crash loses the changes since then, and revives sessions that ended since. Set appendonly yes.'
    findings.push(finding('REDIS_SNAPSHOTS', 'warning', text))
  }
  return findings
}

function checkClock(time: unknown, began: number): readonly Finding[] {
  const seconds = Array.isArray(time) ? Number(time[0]) : Number.NaN
  if (Number.isNaN(seconds)) return []
  // The command was executed between these two moments, and the server's seconds are rounded down.
  const [earliest, latest] = [seconds * 1000 - Date.now(), seconds * 1000 + 1000 - began]
  const isClose = earliest <= CLOCK_MARGIN_MS && latest >= -CLOCK_MARGIN_MS
  if (isClose) return []
  const apart = Math.round((earliest > 0 ? earliest : -latest) / 1000)
  const text = `has a clock that differs from this machine's by ${apart} s. Sessions end by the clocks of the machines that the application runs on: is this one right?`
  return [finding('REDIS_CLOCK', 'warning', text)]
}

function checkCluster(fields: Fields): readonly Finding[] {
  const served = Number(fields.get('cluster_slots_ok') ?? SLOTS)
  const state = fields.get('cluster_state') ?? 'ok'
  if (state === 'ok' && served === SLOTS) return []
  const text = `reports that its Cluster is in the state ${state}, and that ${served} of ${SLOTS} slots have a server that works: sessions in the others are out of reach. See CLUSTER INFO.`
  return [finding('REDIS_CLUSTER', 'error', text)]
}

function checkCoverage(coverage: string | undefined): readonly Finding[] {
  if (coverage !== 'yes') return []
  const text =
    'refuses every call while another master of its Cluster has failed and no replica has taken over: that stops all sessions, and not only those of the failed one. Set cluster-require-full-coverage no.'
  return [finding('REDIS_COVERAGE', 'warning', text)]
}

function finding(code: string, severity: Finding['severity'], message: string): Finding {
  return { code, severity, message }
}

/** The lines `name:value` of a reply. None if the command was refused. */
function fieldsOf(reply: unknown): Fields {
  if (reply === undefined) return new Map()
  if (typeof reply !== 'string')
    throw failure('UNEXPECTED_REPLY', 'The server replied with something other than text. Is it Redis?')
  return new Map(
    reply.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':')
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
    }),
  )
}

/** The value of a setting, in the reply to `CONFIG GET`. `undefined`: it is not known. */
function settingOf(reply: unknown): string | undefined {
  const value: unknown = Array.isArray(reply) ? reply[1] : undefined
  return typeof value === 'string' ? value : undefined
}
