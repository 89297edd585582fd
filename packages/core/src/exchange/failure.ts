import { STATUS_CODES } from 'node:http'
import { type ErrorStatus, isSessError, SessError } from '../error.js'

/** The response that replaces the application's if its session could not be stored. */
export interface FailureResponse {
  readonly status: ErrorStatus
  /** ASCII, so its length is its size in bytes. */
  readonly body: string
  readonly contentType: string
  readonly cacheControl: string
}

export function failureResponse(error: unknown): FailureResponse {
  const status = isSessError(error) ? error.status : 500
  return {
    status,
    body: `${status} ${STATUS_CODES[status]}\n`,
    contentType: 'text/plain; charset=utf-8',
    cacheControl: 'no-store',
  }
}

/** The rejection of `open` for an argument that carries no session. */
export function invalidRequest(message: string): Promise<never> {
  return Promise.reject(new SessError('INVALID_REQUEST', message))
}
