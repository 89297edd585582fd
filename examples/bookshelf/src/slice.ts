import type { IncomingMessage, ServerResponse } from 'node:http'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

export interface Route {
  readonly GET?: Handler
  readonly POST?: Handler
}

/** A part of the application that makes its own `Sessions`. */
export interface Slice {
  /** The pages, keyed by their path below the prefix of the slice. */
  readonly routes: Readonly<Record<string, Route>>
  /** Ends the responses that would otherwise go on for as long as a session. */
  endStreams?(): void
  close(): Promise<void>
}
