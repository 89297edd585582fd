/**
 * The cookie store: the browser carries the session, encrypted, in a cookie. `sessions('cookie', …)` loads it.
 *
 * @module @sess/adapter-cookie
 */
import { type Adapter, integer, optional, readOptions, SessError } from '@sess/core/adapter'
import { Envelope, HINT_LENGTH, OVERHEAD } from './envelope.js'
import { Seal } from './seal.js'

/** The package and its version. The build puts it here. */
declare const PACKAGE_ID: string

/** The options of the cookie store. The secrets and the cookie's name are options of core. */
export interface CookieOptions {
  /**
   * The largest session, in bytes of its data (JSON, UTF-8). A larger one is `TOO_LARGE`. Default, and most: what fits
   * into a cookie, about 2900 bytes.
   */
  readonly maxBytes?: number | undefined
}

/** Stores nothing on the server: the browser carries the session in a cookie, encrypted with XAES-256-GCM (C2SP). */
const cookie: Adapter<CookieOptions> = (options, context) => {
  const { name, maxValueLength } = context.cookie
  const room = Math.floor((maxValueLength * 3) / 4) - OVERHEAD
  if (room < 1) {
    throw new SessError(
      'INVALID_OPTION',
      'Options cookie.name, cookie.domain and cookie.path leave no room for a value; shorten them.',
    )
  }
  const { maxBytes } = readOptions('adapter-cookie', options, { maxBytes: optional(integer({ max: room }), room) })
  const hints = Buffer.concat(context.keys('cookie-hint').map((key) => key.subarray(0, HINT_LENGTH)))
  const seals = context
    .keys('cookie-seal')
    .map((key, index) => new Seal(key, hints.subarray(HINT_LENGTH * index, HINT_LENGTH * (index + 1)), name))
  // A cookie that was sealed when maxBytes was larger still opens.
  const envelope = new Envelope(OVERHEAD + room)
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

Object.assign(cookie, { id: PACKAGE_ID })

export default cookie
