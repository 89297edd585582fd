import { Failure } from './failure.js'

/** The name of the cookie if the option `cookie.name` is not set. */
const DEFAULT_NAME = 'sess'

/** What a token of a store looks like. What other cookies hold is left out: the sessions of another library would move in. */
const TOKEN = /^[\w-]{64,}$/

/**
 * The value of a `Cookie` header with the tokens that a text has: a `Cookie` header, `Set-Cookie` lines, `NAME=VALUE`, or the
 * value alone. Each is there with every prefix that its name can have. Throws if there is none.
 */
export function cookieHeaderOf(text: string): string {
  const lines = text.split('\n').map((line) => line.trim().replace(/^(?:set-)?cookie:\s*/i, ''))
  const pairs = lines.flatMap((line) => (line.includes('=') ? line.split(';') : [`${DEFAULT_NAME}=${line}`]))
  const tokens = pairs.flatMap((pair) => {
    const [name = '', value = ''] = pair.trim().split('=', 2)
    const bare = name.replace(/^__(?:Host|Secure)-/, '')
    return TOKEN.test(value) ? ['', '__Host-', '__Secure-'].map((prefix) => `${prefix}${bare}=${value}`) : []
  })
  if (tokens.length > 0) return tokens.join('; ')
  throw new Failure(
    'USAGE',
    'There is no session cookie on standard input. Give a Cookie header, a Set-Cookie line, NAME=VALUE or the value alone; ' +
      'the value has 64 or more letters, digits, hyphens and underscores.',
  )
}
