import type { ConnectionOptions } from 'node:tls'
import { type Check, deadline, integer, invalidOption, optional, readOptions, text } from '@sess/core/adapter'
import type { Cluster, Redis } from 'ioredis'

interface Address {
  readonly host: string
  readonly port: number
}

/**
 * Where Redis is, by one of `url`, `sentinels`, `nodes` and `client`, and how to use it. `INVALID_OPTION` names an option
 * that is wrong.
 */
export interface RedisOptions {
  /** `redis://user:password@host:port/database`, or `rediss://` for TLS. Default `redis://127.0.0.1:6379`. */
  readonly url?: string | undefined
  /** Sentinels that watch the master called `name`. */
  readonly sentinels?: readonly Address[] | undefined
  /** The master's name, with `sentinels`. */
  readonly name?: string | undefined
  /** Some nodes of a Cluster; they know the others. */
  readonly nodes?: readonly Address[] | undefined
  /** A client of the application. The store makes one of its own with the same settings, and leaves this one alone. */
  readonly client?: Redis | Cluster | undefined
  /** The login, unless `url` or `client` has it. */
  readonly username?: string | undefined
  /** The login's password; alone, that of Redis's default user. */
  readonly password?: string | undefined
  /** Turns TLS on, for sentinels too; `{}` is enough. */
  readonly tls?: ConnectionOptions | undefined
  /** What every key begins with: stores of one prefix are one store. Default `'sess:'`. */
  readonly prefix?: string | undefined
  /** The longest that a call may take, in milliseconds. Default 1000. */
  readonly deadline?: number | undefined
  /** The longest data of one session, in UTF-8 bytes. Default 1 048 576 (1 MiB). */
  readonly maxBytes?: number | undefined
}

/** The options, checked. */
export interface Settings extends RedisOptions {
  readonly prefix: string
  readonly deadline: number
  readonly maxBytes: number
}

const URL_SHAPE = /^rediss?:\/\/(?:[^@/?#]*@)?[^@/?#]+(?:\/\d*)?$/
// No key has the character that a prefix ends in, so that no key of one prefix is a key of another.
const PREFIX_SHAPE = /^(?!.*\p{Surrogate})(?:.*[^\w-])?$/su
const PLACES = ['url', 'sentinels', 'nodes', 'client'] as const
const LOGIN = ['username', 'password', 'tls'] as const

const url: Check<string> = (value, path) => {
  try {
    if (typeof value === 'string' && URL_SHAPE.test(value) && decodeURI(new URL(value).href)) return value
  } catch {
    // It has parts that are not valid.
  }
  throw invalidOption(path, value, `a URL such as 'redis://user:password@host:6379/0', or 'rediss://…' for TLS`)
}

const addresses: Check<Address[]> = (value, path) => {
  if (!Array.isArray(value) || value.length === 0) throw invalidOption(path, value, 'an array of { host, port }')
  const checks = { host: text(), port: integer({ max: 65_535 }) }
  return value.map((address: unknown, index) => readOptions(`${path}[${index}]`, address, checks))
}

/** By shape, since the application may have another copy of ioredis. */
function isClient(value: unknown): value is Redis | Cluster {
  return typeof value === 'object' && value !== null && 'isCluster' in value && 'duplicate' in value
}

const client: Check<Redis | Cluster> = (value, path) => {
  if (!isClient(value)) throw invalidOption(path, value, 'a Redis or Cluster of ioredis')
  const { scaleReads, role } = { scaleReads: undefined, role: undefined, ...value.options }
  if ((scaleReads ?? role) !== 'master') throw invalidOption(path, value, 'a client that reads from the master')
  return value
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
  const has = (name: keyof typeof read): boolean => read[name] !== undefined
  const expect = (isRight: boolean, name: keyof typeof read, expected: string): void => {
    if (!isRight) throw invalidOption(`redis.${name}`, read[name], expected)
  }
  const [place = 'url', other = place] = PLACES.filter(has)
  expect(other === place, other, `nothing beside redis.${place}`)
  expect(has('name') === has('sentinels'), 'name', 'the name of the master, with redis.sentinels and only then')
  expect(has('password') || !has('username'), 'password', 'the password of redis.username')
  for (const name of LOGIN) expect(!has(name) || !has('client'), name, 'nothing beside redis.client, which has its own')
  expect(!has('password') || !read.url?.includes('@'), 'password', 'nothing beside the login in redis.url')
  expect(!has('tls') || !read.url?.startsWith('redis:'), 'tls', `nothing beside a redis.url that is not of 'rediss://'`)
  return read
}
