import { SessError } from '../error.js'

/**
 * Throws `INVALID_OPTION` for anything but what `sessions` returned, for bridges to frameworks: whoever moves may pass the
 * options of another library. `what` names the argument in the message, and `example` shows how to pass it.
 */
export function assertSessions(given: unknown, what: string, example: string): void {
  if (typeof given === 'object' && given !== null && 'open' in given && 'discard' in given) return
  throw new SessError(
    'INVALID_OPTION',
    `${what} is not what sessions() returned. Make the sessions first, and pass them: ${example}.`,
  )
}
