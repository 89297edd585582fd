import { type Check, invalidOption } from '@sess/core/adapter'
import type { RingOptions } from './ring.js'
import { parseServer, type Server, type Servers } from './server.js'

/** A client of the npm package `memcached`. The type names only methods that no other client has in this form. */
export interface MemcachedClient {
  /** Never called by the store. */
  getMulti(keys: string[], callback: () => void): void
  /** Never called by the store. */
  cachedump(server: string, slab: number, limit: number, callback: () => void): void
  /** Never called by the store. */
  end(): void
}

/** Which servers there are, and what decides where a key lies. */
export interface Placement {
  readonly servers: Servers
  readonly ring: RingOptions
}

/** What an instance of `memcached` 2 stores about its servers. These properties have no types and no documentation. */
interface Instance {
  /** The servers as they were passed in; a failed server stays in this list. */
  readonly servers: readonly string[]
  readonly HashRing: HashRing
}

/** The ring of `hashring` 3. Unlike `servers`, it loses a server that the client removed. */
interface HashRing {
  readonly servers: readonly { readonly string: string; readonly weight: number }[]
  readonly vnodes: Readonly<Record<string, number>>
  readonly vnode: number
  readonly replicas: number
  readonly algorithm: unknown
  readonly defaultport: number | null
}

/** `memcached` adds this port to a server that has none. */
const PORT = 11_211

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const isText = (value: unknown): value is string => typeof value === 'string'

const isPositive = (value: unknown): value is number => typeof value === 'number' && value > 0 && value < Infinity

function isHashRing(value: unknown): value is HashRing {
  if (!isObject(value) || !Array.isArray(value['servers']) || !isObject(value['vnodes'])) return false
  const { servers, vnodes, vnode, replicas, defaultport } = value
  return (
    servers.every((server: unknown) => isObject(server) && isText(server['string']) && isPositive(server['weight'])) &&
    Object.values(vnodes).every((count) => count === 0 || isPositive(count)) &&
    isPositive(vnode) &&
    (replicas === 3 || replicas === 4) &&
    (defaultport === null || isPositive(defaultport))
  )
}

/** Recognises the client by its shape, since the application may have another copy of `memcached`. */
function isInstance(value: unknown): value is Instance {
  if (!isObject(value) || typeof value['getMulti'] !== 'function') return false
  const { servers } = value
  return Array.isArray(servers) && servers.length > 0 && servers.every(isText) && isHashRing(value['HashRing'])
}

/** `memcached` splits at the last colon, and takes an IPv6 address without brackets. */
function readServer(name: string): Server | undefined {
  if (name.startsWith('/')) return parseServer(name)
  const [, host = name, port = PORT] = /^(.+):(\d+)$/.exec(name) ?? []
  const server = parseServer(`${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`)
  return server && { ...server, name }
}

/** The ring still has the servers that were passed in. A single server needs no ring. */
function isIntact({ servers, HashRing: ring }: Instance): boolean {
  if (servers.length === 1) return true
  return ring.servers.length === servers.length && ring.servers.every(({ string }, index) => string === servers[index])
}

/** Reads where a client of `memcached` puts each key. The client itself is neither used nor kept. */
export const placement: Check<Placement> = (value, path) => {
  if (!isInstance(value)) throw invalidOption(path, value, `a client of the npm package 'memcached'`)
  if (!isIntact(value)) throw invalidOption(path, value, 'a client that has not removed or replaced a server')
  const { servers: names, HashRing: ring } = value
  if (!isText(ring.algorithm)) throw invalidOption(`${path}.algorithm`, ring.algorithm, 'the name of a hash')
  const read = (name: string, index: number): Server => {
    const server = readServer(name)
    const vnodes = ring.vnodes[name]
    if (server) return { ...server, weight: ring.servers[index]?.weight, vnodes: vnodes === 0 ? undefined : vnodes }
    throw invalidOption(`${path}.servers[${index}]`, name, `'host:port', 'host' or the path of a Unix socket`)
  }
  const [first = '', ...rest] = names
  return {
    servers: [read(first, 0), ...rest.map((name, index) => read(name, index + 1))],
    ring: {
      algorithm: ring.algorithm,
      compatibility: ring.replicas === 3 ? 'hash_ring' : 'ketama',
      vnodes: ring.vnode,
      defaultPort: ring.defaultport ?? undefined,
    },
  }
}
