/**
 * The sessions that users have with another library, for the option `migrate`. A session is taken over by the first request
 * that comes with its cookie and with no live session of `@sess`.
 */
export interface FormerSessions {
  /** What messages and diagnostics call the library, as in `'connect-redis'`. */
  readonly name: string
  /** Its cookies, as a response has to name them to clear them. */
  readonly cookies: readonly FormerCookie[]
  /**
   * The session and its cookie stay, for a former release that still runs beside this one. Otherwise both are removed once
   * the session is taken over. A logout removes them in any case.
   */
  readonly keep: boolean
  /**
   * The session that the cookies of a request open. `undefined` for what is not one: a cookie that is missing, forged or of
   * another secret. `valuesOf` returns the values of the cookies of a name, as the browser sent them, percent-encoding
   * included. It never throws for what a browser can send.
   */
  find(valuesOf: (name: string) => readonly string[]): FormerSession | undefined | Promise<FormerSession | undefined>
}

/** A cookie of another library. */
export interface FormerCookie {
  /** As the browser sends it. */
  readonly name: string
  /** Default `'/'`. */
  readonly path?: string | undefined
  /** Default: the host alone. */
  readonly domain?: string | undefined
}

/** One session of another library, whose cookie was genuine. */
export interface FormerSession {
  /** Identifies it among the sessions of its library. It is stored nowhere: only a hash, keyed with the secret. */
  readonly id: string
  /** `undefined`: it has ended. Rejects if its store fails. `now`: the application's time, in epoch milliseconds. */
  read(now: number): Promise<FormerData | undefined>
  /** Removes it from its store, if it is in one. */
  end(): Promise<void>
}

/** What a session of another library holds. */
export interface FormerData {
  /** Its values, without what the library itself keeps there. What JSON cannot carry is left out by JSON's own rules. */
  readonly values: Readonly<Record<string, unknown>>
  /** When it would end if it were not used again, in epoch milliseconds. `undefined`: nobody knows. */
  readonly expiresAt: number | undefined
}
