import type { IncomingMessage, ServerResponse } from 'node:http'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

export interface Route {
  readonly GET?: Handler
  readonly POST?: Handler
}

/** A part of the application with sessions of its own. */
export interface Slice {
  /** By path, below the one where the slice is mounted. */
  readonly routes: Readonly<Record<string, Route>>
  close(): Promise<void>
}
