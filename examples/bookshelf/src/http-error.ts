import { type OutgoingHttpHeaders, STATUS_CODES } from 'node:http'

/** Thrown by a handler to answer with this status. */
export class HttpError extends Error {
  readonly status: number
  readonly headers: OutgoingHttpHeaders

  constructor(status: number, message: string = STATUS_CODES[status] ?? '', headers: OutgoingHttpHeaders = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}
