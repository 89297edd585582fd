import { parseCookie, stringifySetCookie, type SetCookie } from 'cookie'
import { flag, oneOf, optional, readOptions, text } from '../options/check.js'
import { SessError } from '../error.js'
import type { CookieChange } from '../storage/loaded-session.js'
import type { IncomingRequest } from './request.js'

/**
 * The session's cookie (RFC 6265bis). It is always HttpOnly. `INVALID_OPTION` for a combination that no browser keeps,
 * such as `sameSite: 'none'` with `secure: false`.
 */
export interface CookieOptions {
  /**
   * 1 to 128 characters. Default `'sess'`. The browser sees it with the prefix `__Host-` (or `__Secure-`) where it can
   * have one.
   */
  readonly name?: string | undefined
  /**
   * Left out: Secure always, except between a browser and a server on one machine over plain http,
   * outside production. `true`: without that exception. `false`: never, for plain http networks.
   */
  readonly secure?: boolean | undefined
  /** With which requests from other sites the browser sends it. Default `'lax'`. */
  readonly sameSite?: 'lax' | 'strict' | 'none' | undefined
  /** Whose hosts get it. Default: the host that set the cookie, and no other. */
  readonly domain?: string | undefined
  /** Below which it is sent. Default `'/'`. */
  readonly path?: string | undefined
  /** Partitioned by the embedding site (CHIPS). Default `false`. */
  readonly partitioned?: boolean | undefined
  /** Survives the end of the browser's session, until the session expires. Default `false`. */
  readonly persistent?: boolean | undefined
}

/** RFC 6265bis lets a browser refuse a longer cookie; Safari counts 4093 for the whole line. */
const MAX_LINE = 4093
/** RFC 6265bis: a browser may not keep a cookie for longer than 400 days. */
const MAX_AGE_SECONDS = 400 * 24 * 60 * 60
const PREFIX = /^__(host|secure)-/i

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
  // RFC 6265bis: browsers ignore an attribute of more than 1024 bytes.
  path: optional(
    text({
      pattern: /^\/[\x21-\x3a\x3d-\x7e]{0,1023}$/,
      expected: "a path of at most 1024 characters that begins with '/', percent-encoded",
    }),
    '/',
  ),
  partitioned: optional(flag, false),
  persistent: optional(flag, false),
}

/** The name of the session's cookie, how it is read, and the attributes that it is set with. */
export class CookiePolicy {
  /** As configured, without a prefix. */
  readonly name: string
  readonly maxValueLength: number
  readonly persistent: boolean
  readonly #secureName: string
  readonly #attributes: Omit<SetCookie, 'name' | 'value'>
  /** The attributes as text, with Secure and without: writing them each time takes longer than signing a token. */
  readonly #text: { readonly secure: string; readonly plain: string }
  readonly #secure: boolean
  readonly #localException: boolean

  constructor(options: unknown) {
    const { name, secure, sameSite, domain, path, partitioned, persistent } = readOptions('cookie', options, CHECKS)
    const prefix = PREFIX.exec(name)?.[1]?.toLowerCase()
    const hostOnly = domain === undefined && path === '/'
    if (prefix === 'host' && !hostOnly) throw impossible(`'__Host-' in cookie.name`, 'cookie.domain or a cookie.path')
    if (secure === false) {
      if (prefix !== undefined) throw impossible(`a prefix in cookie.name`, 'cookie.secure: false')
      if (sameSite === 'none') throw impossible(`cookie.sameSite: 'none'`, 'cookie.secure: false')
      if (partitioned) throw impossible('cookie.partitioned', 'cookie.secure: false')
    }
    this.name = name.replace(PREFIX, '')
    if (this.name === '') throw impossible('cookie.name', 'nothing behind its prefix')
    this.persistent = persistent
    this.#secure = secure !== false
    const isProduction = process.env['NODE_ENV'] === 'production'
    this.#localException = secure === undefined && sameSite !== 'none' && !partitioned && !isProduction
    this.#secureName = `${hostOnly && prefix !== 'secure' ? '__Host-' : '__Secure-'}${this.name}`
    this.#attributes = {
      path,
      httpOnly: true,
      sameSite,
      ...(domain && { domain }),
      ...(partitioned && { partitioned }),
    }
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

  /** The distinct values of our cookie in the `Cookie` header, in its order. */
  values(request: IncomingRequest): readonly string[] {
    const { cookie: header } = request
    const name = this.#wireName(request)
    if (!header?.includes(name)) return []
    const values: string[] = []
    // parseCookie keeps only the first cookie of a name, so each pair is parsed by itself.
    for (const pair of header.split(';')) {
      if (!pair.includes(name)) continue
      const value = parseCookie(pair, { decode: verbatim })[name]
      if (value) values.push(value)
    }
    return values.length > 1 ? [...new Set(values)] : values
  }

  /** The value of a `Set-Cookie` header. */
  setCookie(change: CookieChange, now: number, request: IncomingRequest): string {
    const isPlain = this.isPlain(request)
    const name = this.#wireName(request)
    if (change !== 'clear' && !this.persistent)
      return `${name}=${change.value}${isPlain ? this.#text.plain : this.#text.secure}`
    const cookie = { name, ...this.#attributes, secure: !isPlain }
    if (change === 'clear') return stringifySetCookie({ ...cookie, value: '', maxAge: 0, expires: new Date(0) })
    const seconds = Math.ceil((change.expiresAt - now) / 1000)
    const maxAge = Math.min(Math.max(seconds, 0), MAX_AGE_SECONDS)
    return stringifySetCookie({ ...cookie, value: change.value, maxAge }, { encode: verbatim })
  }

  #wireName(request: IncomingRequest): string {
    return this.isPlain(request) ? this.name : this.#secureName
  }
}

function verbatim(value: string): string {
  return value
}

function impossible(one: string, other: string): SessError {
  return new SessError('INVALID_OPTION', `Option ${one} does not go with ${other}: no browser keeps such a cookie.`)
}
