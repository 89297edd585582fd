import { type Check, deadline, integer, invalidOption, optional, readOptions, text } from '@sess/core/adapter'
import { type MemcachedClient, type Placement, placement } from './client.js'
import { RING_DEFAULTS } from './ring.js'
import { parseServer, type Server, type Servers } from './server.js'

/**
 * Where memcached is, by `servers` or by `client`, and how the store uses it. `INVALID_OPTION` names an option that is
 * wrong.
 */
export interface MemcacheOptions {
  /**
   * `host:port` of the server, with an IPv6 address in brackets, or the absolute path of its Unix socket; or a list of
   * them. Default `127.0.0.1:11211`.
   */
  readonly servers?: string | readonly string[] | undefined
  /**
   * The application's own client of the npm package `memcached`, instead of `servers`. The store takes over its
   * servers, their weights and the options of its ring, so that both put a key on the same server. It opens its own
   * connections, since that client has no deadline and may never call back; it sends nothing through the client and
   * leaves it open.
   */
  readonly client?: MemcachedClient | undefined
  /**
   * The text that every key begins with. Stores with the same prefix and servers are one store. 1 to 122 printable
   * ASCII characters without blanks. Default `sess:`.
   */
  readonly prefix?: string | undefined
  /** The longest time a call may take, in milliseconds. Default 1000. */
  readonly deadline?: number | undefined
  /** The longest data of one session, in UTF-8 bytes. Default 262 144 (256 KiB), at most 1 048 000. */
  readonly maxBytes?: number | undefined
}

/** The options, checked. */
export interface Settings {
  readonly placement: Placement
  readonly prefix: string
  readonly deadline: number
  readonly maxBytes: number
}

const server: Check<Server> = (value, path) => {
  const parsed = typeof value === 'string' ? parseServer(value) : undefined
  if (parsed !== undefined) return parsed
  throw invalidOption(
    path,
    value,
    `'host:port', such as '127.0.0.1:11211', the path of a Unix socket, or an array of them`,
  )
}

const servers: Check<Servers> = (value, path) => {
  if (!Array.isArray(value)) return [server(value, path)]
  const [first, ...rest] = value.map((each: unknown, index) => server(each, `${path}[${index}]`))
  return first === undefined ? [server(value, path)] : [first, ...rest]
}

const LOCAL = servers('127.0.0.1:11211', 'memcache.servers')

export function readMemcacheOptions(options: unknown): Settings {
  const {
    servers: listed,
    client,
    ...settings
  } = readOptions('memcache', options, {
    servers: optional(servers),
    client: optional(placement),
    prefix: optional(text({ pattern: /^[!-~]{1,122}$/, expected: '1 to 122 printable ASCII characters' }), 'sess:'),
    deadline,
    // With the longest key, an entry of that size fits into the largest item that a server accepts by default.
    maxBytes: optional(integer({ max: 1_048_000 }), 2 ** 18),
  })
  if (client && listed) throw invalidOption('memcache.client', client, 'nothing, because memcache.servers is set')
  return { placement: client ?? { servers: listed ?? LOCAL, ring: RING_DEFAULTS }, ...settings }
}
