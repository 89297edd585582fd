import {
  type Check,
  flag,
  type FormerSession,
  type FormerSessions,
  invalidOption,
  optional,
  readOptions,
  text,
} from '@sess/core/adapter'
import { defaults, unseal } from 'iron-webcrypto'
import {
  cookieName,
  cookiesAt,
  decodedCandidates,
  FORMER_CHECKS,
  type FormerOptions,
  type ValuesOf,
} from './cookies.js'
import { isObject, parseObject } from './json.js'
import { SealedSession } from './sealed-session.js'

/** The options that the application had with iron-session. A wrong option throws `INVALID_OPTION`, which names it. */
export interface IronSessionOptions extends FormerOptions {
  /** The cookie's name. */
  readonly cookieName: string
  /** The password of iron-session, or a password of each number. Each has at least 32 characters. */
  readonly password: string | undefined | Readonly<Record<number, string | undefined>>
  /**
   * Takes seals of version 1 over, too: those that next-iron-session and iron-session 5 wrote, which do not end in `~2`.
   * Default `false`: nothing but that end says which version a seal has, and the browser can cut it off. The object that a
   * newer session has under the key `persistent` would then pass as a session.
   */
  readonly version1?: boolean | undefined
}

/** Prefix, password's number, salt, IV, data, expiry in epoch milliseconds, salt, HMAC: `seal` of iron-webcrypto. */
const SEAL = /^Fe26\.2\*(\d+)\*[0-9a-f]{64}\*[\w-]{22}\*[\w-]+\*([1-9]\d{0,15})?\*[0-9a-f]{64}\*([\w-]{43})$/
const VERSION_2 = '~2'
/** iron-session 9 splits a long seal into up to four cookies, called as the one with `.0` to `.3` after it. */
const CHUNKS = [0, 1, 2, 3]

const password: Check<string> = text({
  pattern: /^.{32,}$/s,
  expected: 'a password of iron-session, a string of at least 32 characters',
})

/** By number. A Map has no keys that it inherits. */
const passwords: Check<ReadonlyMap<string, string>> = (value, path) => {
  if (!isObject(value)) return new Map([['1', password(value, path)]])
  const entries = Object.entries(value)
  if (entries.length === 0 || !entries.every(([number]) => /^\d+$/.test(number)))
    throw invalidOption(path, value, "a password, or an object of passwords by number, as in { 1: '…', 2: '…' }")
  return new Map(entries.map(([number, one]) => [number, password(one, `${path}[${number}]`)]))
}

/**
 * The sessions of iron-session 6 to 9: seals (https://github.com/brc-dd/iron-webcrypto) of JSON, with the version of their
 * content behind them (https://github.com/vvo/iron-session/blob/main/src/core.ts). `expiresAt` is the expiry of the seal,
 * so the option `ttl` of iron-session is not needed. A seal that was made with `ttl: 0` has none.
 */
export function ironSession(options: IronSessionOptions): FormerSessions {
  const read = readOptions('ironSession', options, {
    cookieName,
    password: passwords,
    version1: optional(flag, false),
    ...FORMER_CHECKS,
  })
  const chunkNames = CHUNKS.map((index) => `${read.cookieName}.${index}`)

  async function open(value: string): Promise<FormerSession | undefined> {
    const isVersion2 = value.endsWith(VERSION_2)
    if (!isVersion2 && !read.version1) return undefined
    const seal = isVersion2 ? value.slice(0, -VERSION_2.length) : value
    const [, number = '', expiry, mac = ''] = SEAL.exec(seal) ?? []
    const secret = read.password.get(number)
    if (secret === undefined || !isCanonical(mac)) return undefined
    const content = await contentOf(seal, secret)
    const values = isVersion2 ? content : content?.['persistent']
    if (!isObject(values)) return undefined
    const expiresAt = expiry === undefined ? undefined : Number(expiry)
    return new SealedSession(seal, { values, expiresAt })
  }

  return {
    name: 'iron-session',
    cookies: cookiesAt(read.cookie, read.cookieName, ...chunkNames),
    keep: read.keep,
    async find(valuesOf) {
      for (const value of [...decodedCandidates(valuesOf, read.cookieName), ...joined(valuesOf, chunkNames)]) {
        const session = await open(value)
        if (session !== undefined) return session
      }
      return undefined
    },
  }
}

/** `undefined`: the seal is not genuine, or has no object in it. Its expiry is not looked at: `read` knows the time. */
async function contentOf(seal: string, secret: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const settings = { ...defaults, timestampSkewSec: Infinity, decode: (json: string): string => json }
    const content = await unseal(seal, secret, settings)
    return typeof content === 'string' ? parseObject(content) : undefined
  } catch {
    return undefined
  }
}

/** Whether this is how base64url spells the bytes: its last character has bits that decoders ignore. */
function isCanonical(base64url: string): boolean {
  return Buffer.from(base64url, 'base64url').toString('base64url') === base64url
}

/** The values of several cookies, joined: the first of each name, the second of each name, and so on. */
function joined(valuesOf: ValuesOf, names: readonly string[]): readonly string[] {
  const columns = names.map((name) => decodedCandidates(valuesOf, name))
  const [first = []] = columns
  return first.map((_, index) => columns.map((column) => column[index] ?? '').join(''))
}
