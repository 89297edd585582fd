import type { ServerResponse } from 'node:http'

/** Event streams, one for each open page of a user. A stream ends when its session does. */
export class Streams {
  readonly #open = new Set<ServerResponse>()
  #isClosed = false

  /** Starts a stream, with one event when the signal is aborted. */
  start(response: ServerResponse, ended: AbortSignal): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    // The page is told at once that the stream has begun, and not only with the first event.
    response.flushHeaders()
    const end = () => void response.end('event: ended\ndata:\n\n')
    if (ended.aborted) end()
    else if (this.#isClosed) response.end()
    else this.#keep(response, ended, end)
  }

  /** Ends the streams without an event: the browsers connect again, to a server that has started again. */
  close(): void {
    this.#isClosed = true
    for (const response of this.#open) response.end()
  }

  #keep(response: ServerResponse, ended: AbortSignal, end: () => void): void {
    ended.addEventListener('abort', end, { once: true })
    this.#open.add(response)
    response.once('close', () => this.#open.delete(response))
  }
}
