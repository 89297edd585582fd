import type { ConnectionOptions } from 'node:tls'
import {
  type Check,
  deadline,
  exclusive,
  integer,
  invalidOption,
  like,
  optional,
  readOptions,
  text,
} from '@sess/core/adapter'
import type { Cluster, Redis } from 'ioredis'
import { type Target, url } from './url.js'

interface Address {
  readonly host: string
  readonly port: number
}

/**
 * Where Redis is (one of `url`, `sentinels`, `nodes` and `client`) and how to use it. A wrong option throws
 * `INVALID_OPTION`, which names it.
 */
export interface RedisOptions {
  /**
   * `redis://user:password@host:port/database`, `rediss://` for TLS, or the absolute path of a Unix socket. The
   * parameters `?family=0`, `connectionName` and `db` may follow. Default `redis://127.0.0.1:6379`.
   */
  readonly url?: string | undefined
  /** Sentinels that watch the master `name`. */
  readonly sentinels?: readonly Address[] | undefined
  /** The name of the master. Required with `sentinels`. */
  readonly name?: string | undefined
  /** Some nodes of a Cluster. The store learns the others from them. */
  readonly nodes?: readonly Address[] | undefined
  /** A client of the application. The store creates another one with the same settings, and does not use this one. */
  readonly client?: Redis | Cluster | undefined
  /** The name of an ACL user. Requires `password`. */
  readonly username?: string | undefined
  /** The password of `username`, or of the default user. Not with a `url` that has a login, and not with `client`. */
  readonly password?: string | undefined
  /** Turns TLS on, for the sentinels too. `{}` is enough. */
  readonly tls?: ConnectionOptions | undefined
  /** The prefix of every key. All stores with the same prefix share their sessions. Default `'sess:'`. */
  readonly prefix?: string | undefined
  /** The most time that a call may take, in milliseconds, connecting included. Default 1000. */
  readonly deadline?: number | undefined
  /** The largest data of one session, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** The checked options. */
export interface Settings extends Omit<RedisOptions, 'url'> {
  readonly url?: Target | undefined
  readonly prefix: string
  readonly deadline: number
  readonly maxBytes: number
}

// A prefix ends in a character that no key contains, so a key of one prefix is never a key of another.
const PREFIX_SHAPE = /^(?!.*\p{Surrogate})(?:.*[^\w-])?$/su
const LOGIN = ['username', 'password', 'tls'] as const

const addresses: Check<Address[]> = (value, path) => {
  if (!Array.isArray(value) || value.length === 0) throw invalidOption(path, value, 'an array of { host, port }')
  const checks = { host: text(), port: integer({ max: 65_535 }) }
  return value.map((address: unknown, index) => readOptions(`${path}[${index}]`, address, checks))
}

const anyClient = like<Redis | Cluster>('a Redis or Cluster of ioredis', 'isCluster', 'duplicate')

const client: Check<Redis | Cluster> = (value, path) => {
  const given = anyClient(value, path)
  const { scaleReads, role } = { scaleReads: undefined, role: undefined, ...given.options }
  if ((scaleReads ?? role) !== 'master') throw invalidOption(path, value, 'a client that reads from the master')
  return given
}

const tls: Check<ConnectionOptions> = (value, path) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw invalidOption(path, value, 'options of node:tls, such as {}')
}

export function readRedisOptions(options: unknown): Settings {
  const separated = `a string that ends in a separator, such as 'sess:'`
  const read = readOptions('redis', options, {
    url: optional(url),
    sentinels: optional(addresses),
    name: optional(text()),
    nodes: optional(addresses),
    client: optional(client),
    username: optional(text()),
    password: optional(text()),
    tls: optional(tls),
    prefix: optional(text({ pattern: PREFIX_SHAPE, expected: separated }), 'sess:'),
    deadline,
    maxBytes: optional(integer({ max: 2 ** 28 }), 2 ** 20),
  })
  exclusive('redis', read, ['url'], ['sentinels'], ['nodes'], ['client'])
  const has = (name: keyof typeof read): boolean => read[name] !== undefined
  const expect = (isRight: boolean, name: keyof typeof read, expected: string): void => {
    if (!isRight) throw invalidOption(`redis.${name}`, read[name], expected)
  }
  expect(
    has('name') === has('sentinels'),
    'name',
    'the name of the master if redis.sentinels is set, and otherwise nothing',
  )
  expect(has('password') || !has('username'), 'password', 'the password of redis.username')
  for (const name of LOGIN) expect(!has(name) || !has('client'), name, 'nothing, because redis.client has its own')
  expect(!has('password') || !read.url?.password, 'password', 'nothing, because redis.url contains the login')
  expect(
    !has('tls') || !read.url || read.url.tls !== undefined,
    'tls',
    `nothing, because redis.url does not start with 'rediss://'`,
  )
  const { username, password, tls: secure } = read.url ?? {}
  return { ...read, username: read.username ?? username, password: read.password ?? password, tls: read.tls ?? secure }
}
