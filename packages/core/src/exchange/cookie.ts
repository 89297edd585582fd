import { createHash } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import { type Check, flag, invalidOption, oneOf, optional, readOptions, text } from '../options/check.js'
import { SessError } from '../error.js'
import type { FormerCookie } from '../storage/former.js'
import { type CookieChange, PLACE_LENGTH } from '../storage/loaded-session.js'
import type { IncomingRequest } from './request.js'
import type { SessionCookie } from './types.js'

/** RFC 6265bis lets a browser refuse a longer cookie; Safari's limit is 4093 for the whole line. */
const MAX_LINE = 4093
/** RFC 6265bis: a browser may not retain a cookie for longer than 400 days. */
const MAX_AGE_SECONDS = 400 * 24 * 60 * 60
const PREFIX = /^__(host|secure)-/i
/** Prefixes that browsers refuse without Secure, as `PREFIX`. They mean no more than `__Host-` for this cookie. */
const OTHER_PREFIX = /^__(host-|secure-|http-)/i

/** A cookie's path is compared with the path of a URL, as browsers write it: others are never sent. */
const cookiePath: Check<string> = (value, option) => {
  const expected =
    "a path of at most 1024 characters that begins with '/', percent-encoded as in a URL, without '..', '?' and '#'"
  // RFC 6265bis: browsers ignore an attribute of more than 1024 bytes.
  const path = text({ pattern: /^\/[\x21-\x3a\x3d-\x7e]{0,1023}$/, expected })(value, option)
  if (new URL(`http://localhost${path}`).pathname === path) return path
  throw invalidOption(option, value, expected)
}

/** Not `flag`: the prefix is added by leaving the option out. */
const noPrefix: Check<false> = (value, option) => {
  if (value === false) return value
  throw invalidOption(option, value, 'false, or no such option')
}

const CHECKS = {
  name: optional(
    text({
      pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/,
      expected: 'a cookie name (RFC 6265) of 1 to 128 characters',
    }),
    'sess',
  ),
  secure: optional(flag),
  sameSite: optional(oneOf('lax', 'strict', 'none'), 'lax'),
  domain: optional(
    text({
      pattern: /^(?=.{1,253}$)\.?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i,
      expected: "a host name, as in 'example.com'",
    }),
  ),
  path: optional(cookiePath, '/'),
  partitioned: optional(flag, false),
  persistent: optional(flag, false),
  prefix: optional(noPrefix),
}

/** The name and the attributes of the session's cookie; reads it and sets it. */
export class CookiePolicy {
  /** As configured, without a prefix. */
  readonly name: string
  readonly maxValueLength: number
  /**
   * Identifies the domain, the path and the partitioning; `''` for the default ones. A browser stores a cookie for each
   * of them, and a response clears only the one that it names.
   */
  readonly place: string
  readonly persistent: boolean
  readonly #secureName: string
  readonly #attributes: Omit<SessionCookie, 'name' | 'value' | 'secure'>
  /** The attributes as text, with Secure and without. Serializing them each time takes longer than signing a token. */
  readonly #text: { readonly secure: string; readonly plain: string }
  readonly #secure: boolean
  readonly #localException: boolean
  /** In lower case, without a dot before it. */
  readonly #domain: string | undefined

  constructor(options: unknown) {
    const checked = readOptions('cookie', options, CHECKS)
    const { name, secure, sameSite, domain, path, partitioned, persistent } = checked
    const prefix = PREFIX.exec(name)?.[1]?.toLowerCase()
    const hostOnly = domain === undefined && path === '/'
    if (prefix === 'host' && !hostOnly) throw impossible(`'__Host-' in cookie.name`, 'cookie.domain or a cookie.path')
    if (secure === false) {
      if (prefix !== undefined) throw impossible(`a prefix in cookie.name`, 'cookie.secure: false')
      if (sameSite === 'none') throw impossible(`cookie.sameSite: 'none'`, 'cookie.secure: false')
      if (partitioned) throw impossible('cookie.partitioned', 'cookie.secure: false')
    }
    if (partitioned && sameSite !== 'none')
      throw refused("cookie.partitioned needs cookie.sameSite: 'none': browsers send no other cookie to a frame")
    if (prefix !== undefined && checked.prefix === false)
      throw refused('cookie.prefix: false cannot be combined with a prefix in cookie.name')
    this.name = name.replace(PREFIX, '')
    if (this.name === '') throw refused('cookie.name has nothing after its prefix')
    if (OTHER_PREFIX.test(this.name))
      throw refused("cookie.name has a prefix that browsers refuse without Secure; leave it out, '__Host-' is added")
    this.persistent = persistent
    this.#secure = secure !== false
    this.#localException = secure === undefined && sameSite !== 'none' && !partitioned && !isProduction()
    this.#domain = domain?.toLowerCase().replace(/^\./, '')
    const added = hostOnly && prefix !== 'secure' ? '__Host-' : '__Secure-'
    this.#secureName = checked.prefix === false ? this.name : `${added}${this.name}`
    this.#attributes = {
      path,
      httpOnly: true,
      sameSite,
      ...(domain && { domain }),
      ...(partitioned && { partitioned }),
    }
    this.place = hostOnly && !partitioned ? '' : shortHash(JSON.stringify([domain, path, partitioned]))
    const longest = { name: this.#secureName, value: '', secure: true, maxAge: MAX_AGE_SECONDS, ...this.#attributes }
    this.maxValueLength = MAX_LINE - stringifySetCookie(longest).length
    const textWith = (isSecure: boolean) =>
      stringifySetCookie({ name, value: '', ...this.#attributes, secure: isSecure }).slice(`${name}=`.length)
    this.#text = { secure: textWith(true), plain: textWith(false) }
  }

  /** Whether the cookie is set without Secure. */
  isPlain(request: IncomingRequest): boolean {
    return !this.#secure || (this.#localException && request.isLocal)
  }

  /** Whether browsers refuse the cookie, because `cookie.domain` is not a domain of the host that sets it. */
  isOutsideDomain(request: IncomingRequest): boolean {
    if (this.#domain === undefined) return false
    const { host } = request
    return host !== undefined && !`.${host.toLowerCase()}`.endsWith(`.${this.#domain}`)
  }

  /** The distinct values of our cookie in the `Cookie` header, in the header's order. */
  values(request: IncomingRequest): readonly string[] {
    return valuesOf(request, this.#wireName(request))
  }

  /** The distinct values of our cookie in a `Cookie` header, by any name that it may have; or a value alone, as it was given. */
  valuesIn(given: string): readonly string[] {
    const values = [this.#secureName, this.name].flatMap((name) => valuesOf({ cookie: given }, name))
    return values.length > 0 || given.includes(';') ? [...new Set(values)] : [given.trim()]
  }

  /** The value of a `Set-Cookie` header that clears another library's cookie. */
  clearFormer({ name, path = '/', domain }: FormerCookie, request: IncomingRequest): string {
    const attributes = { path, ...(domain !== undefined && { domain }), httpOnly: true, secure: !this.isPlain(request) }
    return stringifySetCookie({ name, value: '', maxAge: 0, expires: new Date(0), ...attributes })
  }

  /** The value of a `Set-Cookie` header. */
  setCookie(change: CookieChange, now: number, request: IncomingRequest): string {
    const isPlain = this.isPlain(request)
    if (change !== 'clear' && !change.isPersistent)
      return `${this.#wireName(request)}=${change.value}${isPlain ? this.#text.plain : this.#text.secure}`
    return stringifySetCookie(this.cookie(change, now, request), { encode: verbatim })
  }

  /** The parts of what `setCookie` returns. */
  cookie(change: CookieChange, now: number, request: IncomingRequest): SessionCookie {
    const cookie = { name: this.#wireName(request), value: '', ...this.#attributes, secure: !this.isPlain(request) }
    if (change === 'clear') return { ...cookie, maxAge: 0, expires: new Date(0) }
    const { value, expiresAt } = change
    if (!change.isPersistent) return { ...cookie, value }
    const seconds = Math.ceil((expiresAt - now) / 1000)
    return { ...cookie, value, maxAge: Math.min(Math.max(seconds, 0), MAX_AGE_SECONDS) }
  }

  #wireName(request: IncomingRequest): string {
    return this.isPlain(request) ? this.name : this.#secureName
  }
}

/** The distinct values of the request's cookies of a name, in the header's order. */
export function valuesOf({ cookie: header }: Pick<IncomingRequest, 'cookie'>, name: string): readonly string[] {
  if (!header?.includes(name)) return []
  const values: string[] = []
  // parseCookie returns only the first cookie of a name, so each pair is parsed separately.
  for (const pair of header.split(';')) {
    if (!pair.includes(name)) continue
    const value = parseCookie(pair, { decode: verbatim })[name]
    if (value) values.push(value)
  }
  return values.length > 1 ? [...new Set(values)] : values
}

function shortHash(of: string): string {
  return createHash('sha256').update(of).digest('base64url').slice(0, PLACE_LENGTH)
}

function verbatim(value: string): string {
  return value
}

function impossible(one: string, other: string): SessError {
  return refused(`${one} cannot be combined with ${other}: no browser accepts such a cookie`)
}

function refused(why: string): SessError {
  return new SessError('INVALID_OPTION', `Option ${why}.`)
}

function isProduction(): boolean {
  try {
    return process.env['NODE_ENV'] === 'production'
  } catch {
    // Deno has not allowed it. It then counts as not set.
    return false
  }
}
