import {
  type Check,
  flag,
  type FormerCookie,
  type FormerSession,
  invalidOption,
  optional,
  readOptions,
  text,
} from '@sess/core/adapter'

/** Where the browser keeps a cookie. A response can clear it only if it names the same place. */
export interface CookiePlace {
  /** The cookie's `Path`. Default `'/'`. */
  readonly path?: string | undefined
  /** The cookie's `Domain`. Default: none, so the cookie belongs to one host. */
  readonly domain?: string | undefined
}

/** The options that all libraries have in common. */
export interface FormerOptions {
  /** Where the former cookie is, if the application said so with the former library. */
  readonly cookie?: CookiePlace | undefined
  /**
   * `true`: the former session and its cookie stay after the session is taken over, for a former release that still runs
   * beside this one. Default `false`: both are removed. A logout removes them in any case.
   */
  readonly keep?: boolean | undefined
}

/** The values of the cookies of a name, as the browser sent them. */
export type ValuesOf = (name: string) => readonly string[]

/** A request may have several cookies of one name, for other paths and domains. No more than these are verified. */
const MOST_COOKIES = 5
/** Browsers refuse cookies of more than 4096 bytes, and Node refuses headers of more than 16 KiB. */
const LONGEST_VALUE = 16_384

/** A cookie's name, as RFC 6265 has it. */
export const cookieName: Check<string> = text({
  pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/,
  expected: 'a cookie name (RFC 6265) of 1 to 128 characters',
})

const place: Check<CookiePlace> = (value, path) =>
  readOptions(path, value, {
    path: optional(text({ pattern: /^\/[\x21-\x3a\x3c-\x7e]{0,1023}$/, expected: "a path that begins with '/'" })),
    domain: optional(
      text({ pattern: /^(?=.{1,253}$)\.?[a-z0-9-]+(\.[a-z0-9-]+)*$/i, expected: "a host name, as in 'example.com'" }),
    ),
  })

/** The checks of `FormerOptions`. */
export const FORMER_CHECKS: { readonly cookie: Check<CookiePlace>; readonly keep: Check<boolean> } = {
  cookie: optional(place, {}),
  keep: optional(flag, false),
}

/** The cookies of these names, at the place that the options give. */
export function cookiesAt({ path, domain }: CookiePlace, ...names: readonly string[]): readonly FormerCookie[] {
  return names.map((name) => ({ name, path, domain }))
}

/** The values of a cookie that are worth a try, in the header's order, as they were sent. */
export function candidates(valuesOf: ValuesOf, name: string): readonly string[] {
  return valuesOf(name)
    .slice(0, MOST_COOKIES)
    .filter((value) => value !== '' && value.length <= LONGEST_VALUE)
}

/** The same, percent-decoded. What cannot be decoded was not set by a library. */
export function decodedCandidates(valuesOf: ValuesOf, name: string): readonly string[] {
  return candidates(valuesOf, name).flatMap((value) => {
    try {
      return [decodeURIComponent(value)]
    } catch {
      return []
    }
  })
}

/** What the first candidate opens that opens anything. */
export function firstOf(
  values: readonly string[],
  open: (value: string) => FormerSession | undefined,
): FormerSession | undefined {
  for (const value of values) {
    const session = open(value)
    if (session !== undefined) return session
  }
  return undefined
}

/** One value, or several with the newest first, as libraries take secrets that rotate. */
export function oneOrMore<T>(check: Check<T>): Check<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) return [check(value, path)]
    if (value.length === 0) throw invalidOption(path, value, 'at least one')
    return value.map((one: unknown, index) => check(one, `${path}[${index}]`))
  }
}
