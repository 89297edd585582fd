/**
 * For authors of bridges from other session libraries: a session without its methods.
 *
 * @module @sess/core/bridge
 */
import { SessError } from './error.js'
import { describe } from './options/check.js'
import type { BridgedSession } from './session/bridged.js'
import { handleOf } from './session/proxy.js'

export type { BridgedSession } from './session/bridged.js'

/**
 * The session that `Sessions.open` resolved with, without its methods. From now on the session of this request stores what
 * JSON makes of a value, where it would refuse the value otherwise. Throws `INVALID_REQUEST` for what is not a session.
 */
export function bridge(session: object): BridgedSession {
  const handle = handleOf(session)
  if (handle) return handle.bridged()
  throw new SessError('INVALID_REQUEST', `bridge takes a session; it was given ${describe(session)}.`)
}
