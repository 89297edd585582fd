import type { Json } from './values.js'

/** The methods of every session, which no key can be called. The list is closed. */
export type ReservedKey = 'update' | 'take' | 'regenerate' | 'destroy' | 'save'

/** The hash itself: any key may be missing. */
export type Data<D> = { [K in keyof D]?: D[K] | undefined }

/** What a session holds when no type is given. */
export type AnyData = Record<string, Json>

/**
 * A session, used like a hash: read a key, assign it, remove it by `delete` or by assigning
 * `undefined`. Changes are stored before the response leaves. A change throws `INVALID_VALUE` for
 * what JSON cannot carry, `RESERVED_KEY` for the name of a method, and `SEALED` once the response has
 * begun.
 */
export type Session<D> = Data<D> & SessionMethods<D>

/** What every session can do. Each throws the errors of a change: `INVALID_VALUE`, `RESERVED_KEY`, `SEALED`. */
export interface SessionMethods<D> {
  /**
   * Changes one key by a pure function of its value. Where another request has changed the key in the
   * meantime, the function runs again on the newest value, so that no change is lost. `null` and
   * `undefined` remove the key.
   */
  readonly update: <K extends keyof D & string>(
    key: K,
    change: (value: D[K] | undefined) => D[K] | null | undefined,
  ) => D[K] | undefined
  /** Reads a key and removes it: what is shown once. */
  readonly take: <K extends keyof D & string>(key: K) => D[K] | undefined
  /**
   * At each login: moves the session to a new token and restarts both timeouts (OWASP ASVS 5.0, 7.2.4).
   * Carried out when the response begins.
   */
  readonly regenerate: () => void
  /** Ends the session: at each logout. Carried out when the response begins; what is assigned after it begins another. */
  readonly destroy: () => void
  /**
   * Stores the changes now, and rejects where they cannot be stored: `CONFLICT`, `TOO_LARGE`, or what the store says.
   * Optional: the response does it anyway.
   */
  readonly save: () => Promise<void>
}
