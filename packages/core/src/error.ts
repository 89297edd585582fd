/** Which error it is. The guide says of each what to do. */
export type ErrorCode =
  /** An option is missing, of the wrong kind or out of range; or it does not go with another. */
  | 'INVALID_OPTION'
  /** A name that no adapter can have. */
  | 'ADAPTER_NAME'
  /** No package of that name is installed where it was looked for. */
  | 'ADAPTER_NOT_FOUND'
  /** The adapter's package was found and could not be loaded. */
  | 'ADAPTER_LOAD_FAILED'
  /** What the adapter exports, or the store it makes, is not what the contract asks for. */
  | 'ADAPTER_INVALID'
  /** Sessions are off. */
  | 'DISABLED'
  /** `open` was given something that carries no session. */
  | 'INVALID_REQUEST'
  /** A value that JSON cannot carry unaltered. */
  | 'INVALID_VALUE'
  /** A key that is one of the session's own methods. */
  | 'RESERVED_KEY'
  /** The session is larger than the store takes. */
  | 'TOO_LARGE'
  /** A change after the response began. */
  | 'SEALED'
  /** A change to what `Sessions.read` returned. */
  | 'READ_ONLY'
  /** Another request changed or ended what this one relied on; nothing was stored. */
  | 'CONFLICT'
  /** The store could not be reached in time, or has no room. */
  | 'UNAVAILABLE'
  /** What the store holds is not a session. */
  | 'CORRUPT'
  /** A call after `close`. */
  | 'CLOSED'

/** The HTTP status to answer with (RFC 9110). */
export type ErrorStatus = 409 | 500 | 503

/**
 * The one class of error that is thrown here, an `Error`. `code` is stable; messages may be reworded. No message,
 * and no `cause` that core attaches, holds a secret, a token or session data.
 */
export class SessError extends Error {
  /** By which `isSessError` knows it. */
  override readonly name = 'SessError'
  /** Which error it is: stable. */
  readonly code: ErrorCode
  /** The HTTP status to answer with: 409 for `CONFLICT`, 503 for `UNAVAILABLE`, else 500. */
  readonly status: ErrorStatus

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.status = code === 'CONFLICT' ? 409 : code === 'UNAVAILABLE' ? 503 : 500
  }
}

/** A key of a session may be of any length, and so may the path to a value in it; a message is not. */
export function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 60)}…${text.slice(-59)}` : text
}

/** By shape, since an adapter may bring another copy of this class. */
export function isSessError(error: unknown): error is SessError {
  return error instanceof Error && error.name === 'SessError' && 'code' in error && 'status' in error
}

/**
 * A copy of an error's name, message and code, fit to be a `cause`: clients attach the command, and
 * with it session data and passwords, to the errors they throw.
 */
export function safeCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(`a thrown ${typeof error}`)
  const copy: Error & { code?: string } = new Error(error.message)
  copy.name = error.name
  if ('code' in error && typeof error.code === 'string') copy.code = error.code
  delete copy.stack
  return copy
}
