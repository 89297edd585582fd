import type {} from '@sess/core' // declares the interface Adapters, which is extended below
import {
  type Adapter,
  corrupt,
  deadline,
  frame,
  integer,
  newVersion,
  optional,
  readOptions,
  serverStore,
  text,
  unframe,
} from '@sess/core/adapter'
import { connect } from './client.js'

/** The adapter's name: applications call `sessions(NAME, …)`. */
const NAME = 'placeholder'

export interface StoreOptions {
  /** The server's `host:port`. Required. */
  readonly server: string
  /** The start of every key. Stores with the same prefix share their sessions. Default `'sess:'`. */
  readonly prefix?: string | undefined
  /** How long a call may take, in milliseconds. Default 1000. */
  readonly deadline?: number | undefined
  /** The most data that one session may have, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** Stores sessions on a server, each as one text under one key. */
const adapter: Adapter<StoreOptions> = (options) => {
  const { server, prefix, maxBytes, ...given } = readOptions(NAME, options, {
    server: text({ pattern: /^[^\s/@]+:[1-9]\d*$/, expected: `'host:port', such as '127.0.0.1:1234'` }),
    prefix: optional(text(), 'sess:'),
    deadline,
    // TODO: set `max` to the largest value that the backend accepts, less 40 bytes for the version and the expiry.
    maxBytes: optional(integer(), 2 ** 20),
  })
  const client = connect(server)

  return serverStore({
    name: NAME,
    maxBytes,
    deadline: given.deadline,
    // TODO: list what the backend cannot do, out of 'atomic', 'fresh', 'retention' and 'durability'.
    lacks: [],

    async create(key, entry) {
      const version = newVersion()
      return (await client.add(prefix + key, frame(entry, version), entry.expiresAt)) ? version : null
    },

    async read(key) {
      const value = await client.get(prefix + key)
      if (value === undefined) return null
      const stored = unframe(value)
      if (stored === undefined) throw corrupt(NAME)
      return stored
    },

    async update(key, entry, version) {
      const next = newVersion()
      return (await client.swap(prefix + key, version, frame(entry, next), entry.expiresAt)) ? next : null
    },

    destroy: (key) => client.remove(prefix + key),
    // TODO: what `sess.check()` is to say of how the server is set up, such as a policy that evicts. Leave it out if there is nothing.
    // check: async () => [{ code: 'NAME_EVICTION', severity: 'warning', message: '…' }],
    onTimeout: (began) => client.drop(began),
    close: () => client.close(),
  })
}

export default adapter

declare module '@sess/core' {
  interface Adapters {
    [NAME]: StoreOptions
  }
}
