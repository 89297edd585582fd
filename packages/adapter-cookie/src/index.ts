/**
 * The cookie store: the browser carries the session, encrypted, in a cookie. `sessions('cookie', …)` loads it.
 *
 * @module @sess/adapter-cookie
 */
import { type Adapter, readOptions, SessError } from '@sess/core/adapter'
import { Envelope, HINT_LENGTH, OVERHEAD } from './envelope.js'
import { Seal } from './seal.js'

/** The cookie store has no options. The secrets and the cookie's name are options of core. */
export type CookieOptions = object

/**
 * Stores nothing on the server: the browser carries the session in a cookie, encrypted with XAES-256-GCM (C2SP). Takes
 * no options.
 */
const cookie: Adapter = (options, context) => {
  readOptions('adapter-cookie', options, {})
  const { name, maxValueLength } = context.cookie
  const maxBytes = Math.floor((maxValueLength * 3) / 4) - OVERHEAD
  if (maxBytes < 1) {
    throw new SessError(
      'INVALID_OPTION',
      'Options cookie.name, cookie.domain and cookie.path leave no room for a value; shorten them.',
    )
  }
  const hints = Buffer.concat(context.keys('cookie-hint').map((key) => key.subarray(0, HINT_LENGTH)))
  const seals = context
    .keys('cookie-seal')
    .map((key, index) => new Seal(key, hints.subarray(HINT_LENGTH * index, HINT_LENGTH * (index + 1)), name))
  const envelope = new Envelope(OVERHEAD + maxBytes)
  const [newest] = seals
  if (newest === undefined)
    throw new SessError('INVALID_OPTION', 'Option secret is missing; expected at least one secret.')

  return {
    contract: 1,
    kind: 'client',
    name: 'cookie',
    maxBytes,
    seal: (entry) => newest.seal(entry),
    open(token) {
      if (!envelope.take(token)) return null
      for (const seal of seals) {
        const entry = seal.open(envelope)
        if (entry === null) continue
        const { data, expiresAt } = entry
        // Not `{ ...entry, outdated }`: on Node 20 that takes an eighth of a request that reads.
        return { data, expiresAt, outdated: seal !== newest }
      }
      return null
    },
  }
}

export default cookie
