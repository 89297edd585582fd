import { types } from 'node:util'
import { type SetCookie, stringifySetCookie } from 'cookie'

/** `maxAge` as express-session takes it. */
type MaxAge = number | Date | null | undefined

/** The cookie of a session: what express-session's `Cookie` is. */
export class Cookie {
  declare originalMaxAge: MaxAge
  declare path: string | undefined
  declare httpOnly: boolean | undefined
  declare domain: string | undefined
  declare secure: boolean | undefined
  declare sameSite: SetCookie['sameSite']
  declare partitioned: boolean | undefined
  declare priority: SetCookie['priority']
  /** Programs read it under this name. */
  declare _expires: Date | null | undefined

  /** `attributes` as an application sets them, or as `toJSON` made them. */
  constructor(attributes: object) {
    this.path = '/'
    this.maxAge = null
    this.httpOnly = true
    for (const [name, value] of Object.entries(attributes)) {
      // The prototype is not data.
      if (name !== '__proto__') Reflect.set(this, name, value)
    }
    this.originalMaxAge ??= this.maxAge
  }

  get expires(): Date | null | undefined {
    return this._expires
  }

  set expires(expires: Date | null | undefined) {
    this._expires = expires
    this.originalMaxAge = this.maxAge
  }

  /** Milliseconds from now. */
  get maxAge(): number | null | undefined {
    return types.isDate(this._expires) ? this._expires.getTime() - Date.now() : this._expires
  }

  set maxAge(maxAge: MaxAge) {
    if (Boolean(maxAge) && typeof maxAge !== 'number' && !types.isDate(maxAge))
      throw new TypeError('maxAge must be a number or Date')
    this.expires = typeof maxAge === 'number' ? new Date(Date.now() + maxAge) : maxAge
    // The clock may have moved since, and each request would then shorten the next one's.
    if (typeof maxAge === 'number') this.originalMaxAge = maxAge
  }

  get data(): object {
    const { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite } = this
    return { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite }
  }

  serialize(name: string, value: string): string {
    const attributes: Partial<SetCookie> = Object.assign({}, this.data)
    return stringifySetCookie({ ...attributes, name, value })
  }

  toJSON(): object {
    return this.data
  }
}
