import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Session } from '@sess/core'
import { sess, type Visitor } from './sess.ts'

/** The session of one HTTP request. The first call that asks for it opens it. */
export class RequestSession {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  #session: Session<Visitor> | undefined

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request
    this.#response = response
  }

  async open(): Promise<Session<Visitor>> {
    return (this.#session = await sess.open(this.#request, this.#response))
  }

  /** Stores nothing of what this HTTP request has changed and still changes. */
  discard(): void {
    if (this.#session !== undefined && !this.#response.headersSent) sess.discard(this.#session)
  }
}
