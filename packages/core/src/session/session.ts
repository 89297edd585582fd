import type { Json } from './values.js'

/** The names of the methods of every session, which cannot be keys. The list is final. */
export type ReservedKey = 'update' | 'take' | 'regenerate' | 'destroy' | 'save'

/** The values of a session. Any key may be missing. */
export type Data<D> = { [K in keyof D]?: D[K] | undefined }

/** What a session holds when no type is given. */
export type AnyData = Record<string, Json>

/**
 * A session, used like a plain object: read a key, assign it, or remove it with `delete` or by assigning `undefined`.
 * Changes are stored before the response leaves. A change throws `INVALID_VALUE` if JSON cannot carry the value,
 * `RESERVED_KEY` if the key is the name of a method, and `SEALED` once the response has begun.
 */
export type Session<D> = Data<D> & SessionMethods<D>

/** The methods of every session. They throw the errors of a change: `INVALID_VALUE`, `RESERVED_KEY`, `SEALED`. */
export interface SessionMethods<D> {
  /**
   * Changes one key with a pure function of its value, and returns the new value as this request sees it. If another
   * request has changed the key since, the function runs again on the newest value, so no change is lost. After `save`,
   * the key has the value that was stored. If the function returns `null` or `undefined`, the key is removed.
   */
  readonly update: <K extends keyof D & string>(
    key: K,
    change: (value: D[K] | undefined) => D[K] | null | undefined,
  ) => D[K] | undefined
  /**
   * Returns the value of a key and removes the key. For what is shown, such as a message after a redirect: two requests
   * at the same time may both get it. To use a value only once, read and delete it.
   */
  readonly take: <K extends keyof D & string>(key: K) => D[K] | undefined
  /**
   * Moves the session to a new token (OWASP ASVS 5.0, 7.2.4). Call it at each login. It takes effect when the response
   * begins, or at `save`. If the request changes the session too, both timeouts restart, else the idle timeout alone.
   * `remember: true`: from now on the session lives by the option `remember`, in a cookie that survives a restart of the
   * browser; `false`: no longer. Throws `INVALID_OPTION` if `sessions` was not given that option.
   */
  readonly regenerate: (options?: { readonly remember?: boolean | undefined }) => void
  /**
   * Ends the session. Call it at each logout. It takes effect when the response begins, or at `save`. Values that are
   * assigned after it belong to a new session.
   */
  readonly destroy: () => void
  /**
   * Stores the changes now. Optional: they are stored before the response leaves anyway. After it, the session shows
   * what the changes became; objects from before it are no longer part of the session, and altering one is `CONFLICT`.
   * Rejects if the changes cannot be stored: with `CONFLICT`, `TOO_LARGE`, `INVALID_VALUE` or the store's error. They
   * are then never sent again, and the response fails too, unless its status is 400 or more or `Sessions.discard` was
   * called. If it is not awaited, the response waits for it.
   */
  readonly save: () => Promise<void>
}
