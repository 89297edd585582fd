import {
  type Check,
  flag,
  type FormerSession,
  type FormerSessions,
  invalidOption,
  optional,
  readOptions,
} from '@sess/core/adapter'
import {
  cookieName,
  cookiesAt,
  decodedCandidates,
  FORMER_CHECKS,
  type FormerOptions,
  type ValuesOf,
} from './cookies.js'
import { ironPassword, parseSeal, unsealed } from './iron-seal.js'
import { isObject, parseObject } from './json.js'
import { SealedSession } from './sealed-session.js'

/** The options that the application had with iron-session. A wrong option throws `INVALID_OPTION`, which names it. */
export interface IronSessionOptions extends FormerOptions {
  /** The cookie's name. Either `cookieName`, as iron-session has it, or `name`. */
  readonly cookieName?: string | undefined
  /** The cookie's name, as the other functions have it. */
  readonly name?: string | undefined
  /** The password of iron-session, or a password of each number. Each has at least 32 characters. */
  readonly password: string | undefined | Readonly<Record<number, string | undefined>>
  /**
   * Whether seals of version 1 are taken over: those that next-iron-session and iron-session 5 wrote, which do not end in
   * `~2`. Default `true`, as with iron-session 6 to 8. Nothing but that end says which version a seal has, and the browser can
   * cut it off: if your sessions have a key `persistent` whose object the user chooses, say `false`.
   */
  readonly version1?: boolean | undefined
}

const VERSION_2 = '~2'
/** iron-session 9 splits a long seal into up to four cookies, called as the one with `.0` to `.3` after it. */
const CHUNKS = [0, 1, 2, 3]

const password = ironPassword('iron-session')

/** The passwords by their numbers, which come from the cookie: a Map finds no inherited key, such as `constructor`. */
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
    cookieName: optional(cookieName),
    name: optional(cookieName),
    password: passwords,
    version1: optional(flag, true),
    ...FORMER_CHECKS,
  })
  const name = read.cookieName ?? read.name
  if (name === undefined || (read.cookieName !== undefined && read.name !== undefined))
    throw invalidOption(
      'ironSession.cookieName',
      read.cookieName,
      "the cookie's name, either here or in ironSession.name",
    )
  const chunkNames = CHUNKS.map((index) => `${name}.${index}`)

  async function open(value: string): Promise<FormerSession | undefined> {
    const isVersion2 = value.endsWith(VERSION_2)
    if (!isVersion2 && !read.version1) return undefined
    const seal = isVersion2 ? value.slice(0, -VERSION_2.length) : value
    const parsed = parseSeal(seal)
    const secret = parsed && read.password.get(parsed.password)
    if (parsed === undefined || secret === undefined) return undefined
    const content = parseObject((await unsealed(seal, secret)) ?? '')
    const values = isVersion2 ? content : content?.['persistent']
    if (!isObject(values)) return undefined
    return new SealedSession(seal, { values, expiresAt: parsed.expiresAt })
  }

  return {
    name: 'iron-session',
    cookies: cookiesAt(read.cookie, name, ...chunkNames),
    keep: read.keep,
    async find(valuesOf) {
      for (const value of [...decodedCandidates(valuesOf, name), ...joined(valuesOf, chunkNames)]) {
        const session = await open(value)
        if (session !== undefined) return session
      }
      return undefined
    },
  }
}

/** The values of several cookies, joined: the first of each name, the second of each name, and so on. */
function joined(valuesOf: ValuesOf, names: readonly string[]): readonly string[] {
  const columns = names.map((name) => decodedCandidates(valuesOf, name))
  const [first = []] = columns
  return first.map((_, index) => columns.map((column) => column[index] ?? '').join(''))
}
