import type {} from '@sess/core' // for its interface Adapters, below
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

/** By this name `sessions` finds the adapter. */
const NAME = 'placeholder'

export interface StoreOptions {
  /** `host:port` of the server. */
  readonly server: string
  /** Begins every key: stores of one prefix are one store. Default `'sess:'`. */
  readonly prefix?: string | undefined
  /** How long a call may take, in milliseconds. Default 1000. */
  readonly deadline?: number | undefined
  /** The longest data of one session, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** Keeps sessions on a server, each as one text under one key. */
const adapter: Adapter<StoreOptions> = (options) => {
  const { server, prefix, maxBytes, ...given } = readOptions(NAME, options, {
    server: text({ pattern: /^[^\s/@]+:[1-9]\d*$/, expected: `'host:port', such as '127.0.0.1:1234'` }),
    prefix: optional(text(), 'sess:'),
    deadline,
    // TODO: no more than the backend takes under one key, less some 40 bytes for the version and the date.
    maxBytes: optional(integer(), 2 ** 20),
  })
  const client = connect(server)

  return serverStore({
    name: NAME,
    maxBytes,
    deadline: given.deadline,
    // TODO: what the backend cannot do, of 'atomic', 'fresh', 'retention' and 'durability'.
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
