import { Failure } from './failure.js'

/**
 * The cookies of a text, as a `Cookie` header has them: of a `Cookie` header, `Set-Cookie` lines or `NAME=VALUE`. The value of a
 * cookie alone stays as it is. Throws if there is nothing.
 */
export function cookiesOf(text: string): string {
  const lines = text.split('\n').map((line) => line.trim().replace(/^(?:set-)?cookie:\s*/i, ''))
  const cookies = lines.filter((line) => line !== '').join('; ')
  if (cookies !== '') return cookies
  throw new Failure(
    'USAGE',
    'There is no cookie on standard input. Give a Cookie header, a Set-Cookie line, NAME=VALUE or the value alone.',
  )
}
