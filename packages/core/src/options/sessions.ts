import { SessError } from '../error.js'

/**
 * Throws `INVALID_OPTION` unless it is given what `sessions` returned. Bridges to frameworks call it: somebody who comes from
 * another library may pass that library's options. `what` names the argument in the message, and `example` shows how to pass it.
 */
export function assertSessions(given: unknown, what: string, example: string): void {
  if (typeof given === 'object' && given !== null && 'open' in given && 'discard' in given) return
  throw new SessError(
    'INVALID_OPTION',
    `${what} is not what sessions() returned. Make the sessions first, and pass them: ${example}.`,
  )
}
