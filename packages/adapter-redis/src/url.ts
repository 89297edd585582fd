import { isIPv6 } from 'node:net'
import { type Check, invalidOption } from '@sess/core/adapter'

/** What a URL says about a server, in the options of ioredis. */
export interface Target {
  readonly host?: string
  readonly port?: number
  /** The path of a Unix socket, instead of `host` and `port`. */
  readonly path?: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly db?: number | undefined
  readonly family?: number | undefined
  readonly connectionName?: string | undefined
  /** Set if the URL says that the connection uses TLS. */
  readonly tls?: object | undefined
}

/** Throws `INVALID_OPTION`, which says what is expected of the URL and shows nothing of it. */
type Refuse = (expected: string) => never

const EXPECTED = `a URL such as 'redis://user:password@host:6379/0', 'rediss://…' for TLS, or the path of a Unix socket`

const SHAPE = /^(rediss?):\/\/([^/?#]*)(\/[^?#]*)?(\?[^#]*)?(#.*)?$/i
const SOCKET = /^(\/[^/?][^?]*)(\?.*)?$/
const DATABASE = /^\d{1,9}$/

const OTHER_SCHEMES: readonly (readonly [RegExp, expected: string])[] = [
  [/^[a-z+-]*sentinel[a-z+-]*:/i, 'a URL of a single server; for sentinels, use redis.sentinels and redis.name'],
  [/^[a-z+-]*cluster[a-z+-]*:/i, 'a URL of a single server; for a Cluster, use redis.nodes'],
  [/^[a-z+-]*(?:unix|socket)[a-z+-]*:/i, `the path of the Unix socket alone, such as '/run/redis/redis.sock?db=0'`],
]

const PARAMETERS: ReadonlyMap<string, readonly [RegExp, expected: string]> = new Map([
  ['db', [DATABASE, 'the number of a database']],
  ['connectionName', [/^[!-~]+$/, 'printable ASCII characters without blanks']],
  ['family', [/^[046]$/, '0, 4 or 6']],
])

type Parameters = Pick<Target, 'db' | 'connectionName' | 'family'>

/** Reads a query such as `?family=6`. */
function readQuery(query: string, refuse: Refuse): Parameters {
  const given = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    const [pattern, expected] = PARAMETERS.get(name) ?? []
    if (pattern === undefined)
      return refuse(
        `a URL without the parameter ${JSON.stringify(name)}; it may have ${[...PARAMETERS.keys()].join(', ')}`,
      )
    if (given.has(name)) return refuse(`a URL with one parameter '${name}'`)
    if (!pattern.test(value)) return refuse(`a URL whose parameter '${name}' is ${expected}`)
    given.set(name, value)
  }
  const numberOf = (name: string) => (given.has(name) ? Number(given.get(name)) : undefined)
  return { db: numberOf('db'), family: numberOf('family'), connectionName: given.get('connectionName') }
}

/** A character that a user name or a password cannot contain as it is. */
function unescaped(part: string, character: string): string {
  const escape = encodeURIComponent(character)
  return `a URL whose ${part} contains no '${character}': write it as ${escape}, or pass the login as redis.username and redis.password`
}

function readPart(part: string, text: string, refuse: Refuse): string {
  if (text.includes('@')) return refuse(unescaped(part, '@'))
  if (/%(?![\da-f]{2})/i.test(text)) return refuse(unescaped(part, '%'))
  try {
    return decodeURIComponent(text)
  } catch {
    return refuse(`a URL whose ${part} is percent-encoded UTF-8, as encodeURIComponent makes it`)
  }
}

function readLogin(login: string, refuse: Refuse): Pick<Target, 'username' | 'password'> {
  const [, user = '', colon, secret = ''] = /^([^:]*)(:?)(.*)$/s.exec(login) ?? []
  const username = readPart('user name', user, refuse)
  const password = readPart('password', secret, refuse)
  if (colon === '') return refuse(`a URL with a password, as in 'user:password@host' or ':password@host'`)
  if (password === '') return refuse('a URL whose password is not empty')
  return { password, username: username === '' ? undefined : username }
}

function readAddress(address: string, refuse: Refuse): Pick<Target, 'host' | 'port'> {
  const [, name = '', colon, digits = ''] = /^(\[.*\]|.*?)(?:(:)([^:]*))?$/s.exec(address) ?? []
  const port = Number(digits)
  if (name === '')
    return refuse(`a URL with a host, or the path of a Unix socket alone, such as '/run/redis/redis.sock'`)
  if (name.includes(',')) return refuse('a URL with one host; for several, use redis.sentinels or redis.nodes')
  const host = name.replace(/^\[(.*)\]$/s, '$1')
  if (name === host && name.includes(':')) return refuse(`a URL whose IPv6 address is in brackets, as in '[::1]:6379'`)
  if (name === host ? !/^[\p{L}\p{N}._-]+$/u.test(host) : !isIPv6(host))
    return refuse('a URL whose host is a name or an address')
  if (colon === undefined) return { host }
  if (!/^\d{1,5}$/.test(digits) || port < 1 || port > 65_535) return refuse('a URL whose port is from 1 to 65535')
  return { host, port }
}

/** What is wrong with a login in which a raw character ends the login for a parser. `undefined`: there is none. */
function blame([, , authority = '', path = '', query = '', hash = '']: readonly string[]): string | undefined {
  const [character = '', ...rest] = path + query + hash
  return rest.includes('@') ? unescaped(authority.includes(':') ? 'password' : 'user name', character) : undefined
}

function readServer(parts: readonly string[], refuse: Refuse): Target {
  const [, scheme = '', authority = '', path = '', query = '', hash] = parts
  const at = authority.lastIndexOf('@')
  const login = at === -1 ? {} : readLogin(authority.slice(0, at), refuse)
  const address = readAddress(authority.slice(at + 1), refuse)
  const database = path.slice(1)
  const { db, ...parameters } = readQuery(query, refuse)
  if (database !== '' && !DATABASE.test(database)) return refuse('a URL whose path is the number of a database')
  if (database !== '' && db !== undefined) return refuse(`a URL that names its database once, in its path or as 'db'`)
  if (hash !== undefined) return refuse(`a URL without '#'`)
  return {
    ...login,
    ...address,
    ...parameters,
    db: database === '' ? db : Number(database),
    tls: scheme.toLowerCase() === 'rediss' ? {} : undefined,
  }
}

/** A URL of one server, or the path of its Unix socket. */
export const url: Check<Target> = (value, path) => {
  const refuse: Refuse = (expected) => {
    throw invalidOption(path, value, expected)
  }
  if (typeof value !== 'string') return refuse(EXPECTED)
  if (/[\s\p{Cc}]/u.test(value))
    return refuse('a URL without blanks or line breaks; in a password, write a blank as %20')
  const [, socket, query = ''] = SOCKET.exec(value) ?? []
  if (socket !== undefined) return { path: socket, ...readQuery(query, refuse) }
  const parts = SHAPE.exec(value)
  if (parts === null) return refuse(OTHER_SCHEMES.find(([scheme]) => scheme.test(value))?.[1] ?? EXPECTED)
  return readServer(parts, (expected) => refuse(blame(parts) ?? expected))
}
