import { type ErrorStatus, isSessError, SessError } from '../error.js'

/** The response that replaces the application's if its session could not be stored. */
export interface FailureResponse {
  readonly status: ErrorStatus
  /** ASCII, so its length is its size in bytes. */
  readonly body: string
  readonly contentType: string
  readonly cacheControl: string
}

const REASONS = { 409: 'Conflict', 500: 'Internal Server Error', 503: 'Service Unavailable' } satisfies Record<
  ErrorStatus,
  string
>

export function failureResponse(error: unknown): FailureResponse {
  const status = isSessError(error) ? error.status : 500
  return {
    status,
    body: `${status} ${REASONS[status]}\n`,
    contentType: 'text/plain; charset=utf-8',
    cacheControl: 'no-store',
  }
}

/** Headers that describe the content that is lost, how it is sent or cached, or what its response would have done. */
const LOST = new Set(
  `accept-ranges age clear-site-data connection digest edge-control etag expires keep-alive last-modified link location
  pragma refresh repr-digest set-cookie signature signature-input sourcemap surrogate-control trailer transfer-encoding
  upgrade x-lighttpd-send-file x-sendfile`.split(/\s+/),
)
const LOST_KIND = /^(?::|content-(?!security-policy)|x-accel-|(?:.+-)?cache-control$)/

/**
 * Whether the response that replaces the application's keeps one of its headers: those that are about the server or the
 * request, such as `access-control-allow-origin` or a request's id. `name` is in lower case.
 */
export function isKeptOnFailure(name: string): boolean {
  return !LOST.has(name) && !LOST_KIND.test(name)
}

/** The rejection of `open` for an argument that carries no session. */
export function invalidRequest(message: string): Promise<never> {
  return Promise.reject(new SessError('INVALID_REQUEST', message))
}
