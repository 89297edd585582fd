/**
 * The memcache store: one memcached or several. `sessions('memcache', …)` finds it.
 *
 * @module @sess/adapter-memcache
 */
import { isUtf8 } from 'node:buffer'
import {
  type Adapter,
  type Check,
  corrupt,
  deadline,
  frame,
  integer,
  invalidOption,
  newVersion,
  optional,
  readOptions,
  serverStore,
  SessError,
  type Stored,
  text,
  unframe,
} from '@sess/core/adapter'
import { add, type Command, get, gets, remove, swap } from './protocol.js'
import { Pool } from './pool.js'

/** Where memcached is, and how to use it. `INVALID_OPTION` names an option that is wrong. */
export interface MemcacheOptions {
  /** `host:port` of the server, or a list of them; an IPv6 address in brackets. Default `127.0.0.1:11211`. */
  readonly servers?: string | readonly string[] | undefined
  /** Begins every key: stores of one prefix are one store. Default `sess:`, at most 122 characters. */
  readonly prefix?: string | undefined
  /** How long a call may take, in milliseconds. Default 1000. */
  readonly deadline?: number | undefined
  /** The longest data of one session, in UTF-8 bytes. Default 262 144 (256 KiB), at most 1 048 000. */
  readonly maxBytes?: number | undefined
}

const NAME = 'memcache'

const NO_CAS = 'The memcached server does not number what it holds, so nothing can be updated. Start it without -C.'

const server: Check<string> = (value, path) => {
  const isServer = typeof value === 'string' && /^[^\s/@?#\\]+:[1-9]\d*$/.test(value) && URL.canParse(`tcp://${value}`)
  if (isServer) return value
  throw invalidOption(path, value, `'host:port', such as '127.0.0.1:11211', or a list of such`)
}

const servers: Check<readonly string[]> = (value, path) => {
  if (!Array.isArray(value) || value.length === 0) return [server(value, path)]
  return value.map((each: unknown, index) => server(each, `${path}[${index}]`))
}

function entryOf(value: Buffer): Stored | undefined {
  return isUtf8(value) ? unframe(value.toString()) : undefined
}

/** Keeps sessions in memcached, on one server or several. */
const memcache: Adapter<MemcacheOptions> = (options) => {
  const { prefix, maxBytes, ...given } = readOptions(NAME, options, {
    servers: optional(servers, ['127.0.0.1:11211']),
    prefix: optional(text({ pattern: /^[!-~]{1,122}$/, expected: '1 to 122 characters of ASCII, no blanks' }), 'sess:'),
    deadline,
    // With the longest key, that fits into the largest item that a server takes unless told otherwise.
    maxBytes: optional(integer({ max: 1_048_000 }), 2 ** 18),
  })
  const pool = new Pool(given.servers)
  const send = (command: Command) => pool.connectionOf(command.key).send(command, performance.now())

  return serverStore({
    name: NAME,
    maxBytes,
    deadline: given.deadline,
    lacks: ['retention', 'durability'],
    async create(key, entry) {
      const version = newVersion()
      const { head } = await send(add(prefix + key, frame(entry, version), entry.expiresAt))
      return head === 'STORED' ? version : null
    },
    async read(key) {
      const { value } = await send(get(prefix + key))
      if (value === undefined) return null
      const entry = entryOf(value)
      if (entry === undefined) throw corrupt(NAME)
      return entry
    },
    async update(key, entry, version) {
      const began = performance.now()
      const connection = pool.connectionOf(prefix + key)
      const { value, cas } = await connection.send(gets(prefix + key), began)
      if (value === undefined || entryOf(value)?.version !== version) return null
      if (cas === undefined || cas === '0') throw new SessError('UNAVAILABLE', NO_CAS)
      const next = newVersion()
      // On that connection: the numbers begin anew with the server, and would then mean other writes.
      const { head } = await connection.send(swap(prefix + key, frame(entry, next), entry.expiresAt, cas), began)
      return head === 'STORED' ? next : null
    },
    async destroy(key) {
      await send(remove(prefix + key))
    },
    async close() {
      pool.close()
    },
    // Within a millisecond: the deadline's clock was read before ours.
    onTimeout: (began) => pool.closeStuck(began + 1),
  })
}

export default memcache
