import { SessError } from '@sess/core/adapter'
import { warnOnce } from './warnings.js'

/** How long a session lives without use, in milliseconds. `undefined`: as the options of `sessions` say. */
export interface Ageing {
  maxAge: number | undefined
}

/**
 * `req.session.cookie`: how long the session lives. Everything else about the cookie is set in the options of `sessions`, once
 * for all.
 */
export class RequestCookie {
  #ageing: Ageing

  constructor(ageing: Ageing) {
    this.#ageing = ageing
    // Enumerable, as the keys of express-session's cookie are, and never assigned.
    Object.defineProperties(this, ATTRIBUTES)
  }

  /** In milliseconds from the last request on. `null`: as the options of `sessions` say. */
  get maxAge(): number | null {
    return this.#ageing.maxAge ?? null
  }

  set maxAge(ms: number | null | undefined | false) {
    if (ms === null || ms === undefined || ms === false) this.#ageing.maxAge = undefined
    else if (typeof ms === 'number' && !Number.isNaN(ms)) this.#ageing.maxAge = Math.max(Math.round(ms), 1)
    else throw invalid('maxAge', 'a number of milliseconds, or null')
  }

  /** As `maxAge`, which cannot be set otherwise. */
  get originalMaxAge(): number | null {
    return this.maxAge
  }

  set originalMaxAge(ms: number | null | undefined | false) {
    this.maxAge = ms
  }

  /** When the session ends if this request is its last. `null`: as the options of `sessions` say. */
  get expires(): Date | null {
    return this.#ageing.maxAge === undefined ? null : new Date(Date.now() + this.#ageing.maxAge)
  }

  set expires(date: Date | string | number | null | undefined | false) {
    if (date === null || date === undefined || date === false) this.#ageing.maxAge = undefined
    else {
      const time = new Date(date).getTime()
      if (Number.isNaN(time)) throw invalid('expires', 'a date, or null')
      this.maxAge = time - Date.now()
    }
  }

  /** What JSON makes of it. */
  get data(): RequestCookieData {
    const { originalMaxAge, expires } = this
    return { originalMaxAge, expires, httpOnly: true, path: '/' }
  }

  /** As `data`. */
  toJSON(): RequestCookieData {
    return this.data
  }

  /** Keeps what it says of a session that it no longer belongs to. */
  detach(): void {
    this.#ageing = { maxAge: this.#ageing.maxAge }
  }
}

/** What JSON makes of `req.session.cookie`. */
export interface RequestCookieData {
  /** In milliseconds. */
  readonly originalMaxAge: number | null
  /** When the session ends if this request is its last. */
  readonly expires: Date | null
  /** Scripts cannot read the cookie. */
  readonly httpOnly: true
  /** As express-session has it; the real one is in the options of `sessions`. */
  readonly path: '/'
}

const FIXED = { httpOnly: true, path: '/', secure: undefined, sameSite: undefined, domain: undefined } as const

const ATTRIBUTES: PropertyDescriptorMap = Object.fromEntries(
  Object.entries(FIXED).map(([name, value]) => [
    name,
    {
      enumerable: value !== undefined,
      get: () => value,
      set(given: unknown) {
        if (given !== value) warnFixed(name)
      },
    },
  ]),
)

function warnFixed(name: string): void {
  warnOnce(
    'SESS_COOKIE_ATTRIBUTE',
    `req.session.cookie.${name} was assigned, which has no effect: all sessions have one cookie, whose attributes are in the option cookie of sessions().`,
  )
}

function invalid(name: string, expected: string): SessError {
  return new SessError('INVALID_VALUE', `req.session.cookie.${name} takes ${expected}.`)
}
