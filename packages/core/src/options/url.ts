import { type Check, invalidOption } from './check.js'

/** What a URL may be. */
export interface UrlShape {
  /** The beginnings that it may have, such as `'postgres://'`. */
  readonly schemes: readonly string[]
  /** A URL that is right. Messages show it. */
  readonly example: string
  /**
   * Throws if the client cannot use the URL, for example because of a parameter. Its error may repeat the URL, so
   * nobody sees it.
   */
  readonly parse?: (url: string) => unknown
}

/**
 * A URL with an optional login, such as `postgres://user:password@host:5432/database`. The error names the part that is
 * wrong, and never repeats any of it.
 */
export function url(shape: UrlShape): Check<string> {
  return (value, path) => {
    const wrong = typeof value === 'string' ? wrongPart(value, shape) : ''
    if (typeof value === 'string' && wrong === undefined) return value
    throw invalidOption(path, value, `a URL${wrong === '' ? '' : ` ${wrong},`} such as '${shape.example}'`)
  }
}

/** Returns what a text must have to be the URL; `undefined` if it has it all. */
function wrongPart(text: string, { schemes, parse }: UrlShape): string | undefined {
  const scheme = schemes.find((start) => text.startsWith(start))
  if (scheme === undefined) return `that starts with ${schemes.join(' or ')}`
  const rest = text.slice(scheme.length)
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? ''
  const port = /:([^:\]]*)$/.exec(authority.slice(authority.lastIndexOf('@') + 1))?.[1] ?? ''
  const isPort = port === '' || (/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)
  // A raw / ? or # in a password ends the authority too early. Then the @ of the login comes after it.
  const isCutShort = (isPort ? /^[^?]*@/ : /@/).test(rest.slice(authority.length))
  if (isCutShort || !isEncoded(authority)) return 'whose user and password are percent-encoded'
  if (!isPort) return 'with a port from 1 to 65535'
  if (!URL.canParse(text)) return 'with a valid host'
  if (!isEncoded(rest)) return 'whose path and parameters are percent-encoded'
  try {
    parse?.(text)
  } catch {
    return 'with parameters that the client knows'
  }
  return undefined
}

function isEncoded(text: string): boolean {
  try {
    // The result is used, since bundlers remove a call of a global function whose result is not.
    return decodeURIComponent(text).length <= text.length
  } catch {
    return false
  }
}
