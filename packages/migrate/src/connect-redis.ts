import {
  type Check,
  type FormerData,
  type FormerSessions,
  invalidOption,
  like,
  optional,
  readOptions,
  text,
} from '@sess/core/adapter'
import { cookieName, FORMER_CHECKS, type FormerOptions } from './cookies.js'
import { EXPRESS_COOKIE } from './express-session.js'
import { type Secrets, secrets } from './secrets.js'
import { signedIds } from './signed-id.js'
import { corrupt, storedData, StoredSession } from './stored-session.js'

/** A client or cluster of node-redis (the package `redis`, 5 or 6) or of ioredis. It may do GET, PTTL and DEL. */
export interface RedisClient {
  /** GET. */
  get(key: string): PromiseLike<unknown>
  /** DEL. */
  del(key: string): PromiseLike<unknown>
  /** PTTL, as node-redis has it. */
  pTTL?(key: string): PromiseLike<unknown>
  /** PTTL, as ioredis has it. */
  pttl?(key: string): PromiseLike<unknown>
}

/** The options that the application had with connect-redis and express-session. A wrong one throws `INVALID_OPTION`. */
export interface ConnectRedisOptions extends FormerOptions {
  /** A client that the application connects and closes. */
  readonly client: RedisClient
  /** What connect-redis puts before an id. Default `'sess:'`. */
  readonly prefix?: string | undefined
  /** The secret of express-session, or several with the newest first. */
  readonly secret: Secrets
  /** The cookie's name. Default `'connect.sid'`. */
  readonly name?: string | undefined
}

const LIBRARY = 'connect-redis'
/** What PTTL answers for a key that is gone: https://redis.io/docs/latest/commands/pttl/ */
const GONE = -2

const client: Check<RedisClient> = (value, path) => {
  const expected = 'a client of the package redis (5 or 6), or of ioredis'
  const given = like<RedisClient>(expected, 'get', 'del')(value, path)
  if ('pTTL' in given || 'pttl' in given) return given
  throw invalidOption(path, value, expected)
}

/**
 * The sessions of express-session 1 that connect-redis 9 keeps in Redis, read without either library: under the prefix and
 * the id, JSON with a key `cookie` (`set` in https://github.com/tj/connect-redis/blob/master/index.ts). `expiresAt` is when
 * Redis removes the key: `touch` extends that alone, and leaves the time in `cookie.expires` as it was. For a key that
 * Redis does not remove, it is `cookie.expires`.
 *
 * An error of the client is `UNAVAILABLE`. What is not a session in JSON is `CORRUPT`.
 */
export function connectRedis(options: ConnectRedisOptions): FormerSessions {
  const {
    client: redis,
    prefix,
    name,
    ...read
  } = readOptions('connectRedis', options, {
    client,
    prefix: optional(text({ pattern: /^/, expected: 'a string' }), 'sess:'),
    secret: secrets,
    name: optional(cookieName, EXPRESS_COOKIE.name),
    ...FORMER_CHECKS,
  })

  async function dataOf(id: string, now: number): Promise<FormerData | undefined> {
    const key = prefix + id
    const [row, left] = await Promise.all([redis.get(key), redis.pTTL ? redis.pTTL(key) : redis.pttl?.(key)])
    if (row === null || left === GONE) return undefined
    if (typeof row !== 'string') throw corrupt(LIBRARY)
    const data = storedData(LIBRARY, row)
    if (typeof left === 'number' && left >= 0) return { ...data, expiresAt: now + left }
    return data.expiresAt !== undefined && data.expiresAt <= now ? undefined : data
  }

  const context = { name: LIBRARY, read: dataOf, remove: async (id: string) => redis.del(prefix + id) }
  return signedIds({
    ...read,
    name: LIBRARY,
    cookieName: name,
    prefix: EXPRESS_COOKIE.prefix,
    sessionOf: (id) => new StoredSession(id, context),
  })
}
