/** Identifies an error. The guide (docs/guide/errors.md) says what to do about each one. */
export type ErrorCode =
  /** An option is missing, has the wrong type, is out of range, or cannot be combined with another. */
  | 'INVALID_OPTION'
  /** The name is not one that an adapter can have. */
  | 'ADAPTER_NAME'
  /** No package of that name is installed in the places that were searched. */
  | 'ADAPTER_NOT_FOUND'
  /** The adapter's package was found but could not be loaded. */
  | 'ADAPTER_LOAD_FAILED'
  /** The adapter's export, or the store that it makes, does not match the contract. */
  | 'ADAPTER_INVALID'
  /** Sessions are turned off. */
  | 'DISABLED'
  /** `open` or `exchange` was called with something that carries no session, or with a response that cannot wait. */
  | 'INVALID_REQUEST'
  /** JSON cannot carry the value unaltered, or a method of the session does not take the argument. */
  | 'INVALID_VALUE'
  /** The key is the name of one of the session's methods. */
  | 'RESERVED_KEY'
  /** The session is larger than the store accepts. */
  | 'TOO_LARGE'
  /** The session was changed after the response began. */
  | 'SEALED'
  /** The values that `Sessions.read` returned, or a session that was opened read-only, were changed. */
  | 'READ_ONLY'
  /** Another request changed or ended what this request depends on. Nothing was stored. */
  | 'CONFLICT'
  /** The store could not be reached in time, or has no room. */
  | 'UNAVAILABLE'
  /** The store's entry is not a session. */
  | 'CORRUPT'
  /** The sessions or the store were closed before the call. */
  | 'CLOSED'

/** The HTTP status to answer with (RFC 9110). */
export type ErrorStatus = 409 | 500 | 503

/**
 * The class of every error that this package throws. `code` is stable; messages may be reworded. No message, and no
 * `cause` that core attaches, contains a secret, a token or session data.
 */
export class SessError extends Error {
  /** `isSessError` recognizes the error by this name. */
  override readonly name = 'SessError'
  /** Identifies the error. Stable. */
  readonly code: ErrorCode
  /** The HTTP status to answer with: 409 for `CONFLICT`, 503 for `UNAVAILABLE`, else 500. */
  readonly status: ErrorStatus

  /** `instanceof` is true for the errors of every copy of this package in the process. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A class that extends this one has no shape of its own, and inherits this method.
    return Object.hasOwn(this, Symbol.hasInstance)
      ? isSessError(value)
      : Function.prototype[Symbol.hasInstance].call(this, value)
  }

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.status = code === 'CONFLICT' ? 409 : code === 'UNAVAILABLE' ? 503 : 500
  }
}

/** Limits a text in a message to 120 characters: a session's keys, and the paths to its values, may have any length. */
export function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 60)}…${text.slice(-59)}` : text
}

/**
 * Whether a value is an error. Checks its shape: what Node and libraries throw may belong to another realm, with a class
 * `Error` of its own, as in Jest.
 */
export function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null || !('name' in value && 'message' in value)) return false
  return typeof value.name === 'string' && typeof value.message === 'string'
}

/** The code of an error, such as `ECONNREFUSED`. `undefined`: it has none. */
export function codeOf(error: unknown): string | undefined {
  return isError(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Whether a value is a `SessError`. Checks its shape, since an adapter may come with its own copy of the class. */
export function isSessError(error: unknown): error is SessError {
  return isError(error) && error.name === 'SessError' && 'code' in error && 'status' in error
}

/**
 * A copy of an error's name, message and code that is safe to use as a `cause`. Clients attach the failed command to
 * their errors, and with it session data and passwords.
 */
export function safeCause(error: unknown): Error {
  if (!isError(error)) return new Error(`a thrown ${typeof error}`)
  const copy: Error & { code?: string } = new Error(error.message)
  copy.name = error.name
  const code = codeOf(error)
  if (code !== undefined) copy.code = code
  delete copy.stack
  return copy
}
