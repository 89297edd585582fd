import { STATUS_CODES } from 'node:http'
import { type ErrorStatus, isSessError } from './error.js'
import type { Headers as SessionHeaders, SeenHeaders, SessionExchange } from './exchange.js'

/**
 * Stores the session of a handled request and returns the response with the session's headers; where
 * the store has failed, a response that says so.
 */
export async function settle(
  exchange: SessionExchange,
  response: Response,
  onError: (error: unknown) => void,
): Promise<Response> {
  try {
    return withHeaders(response, await exchange.finish(response.status, new SeenOf(response)))
  } catch (error) {
    onError(error)
    void giveUp(response)
    return errorResponse(isSessError(error) ? error.status : 500)
  }
}

/** Looked up only where the session has a header of its own: that may make a `Response` of what was none yet. */
class SeenOf implements SeenHeaders {
  readonly #response: Response

  constructor(response: Response) {
    this.#response = response
  }

  get vary(): string | undefined {
    return this.#response.headers.get('vary') ?? undefined
  }

  get cacheControl(): string | undefined {
    return this.#response.headers.get('cache-control') ?? undefined
  }
}

/** So that what the body comes from, a file or another server, is let go of. */
async function giveUp(response: Response): Promise<void> {
  try {
    await response.body?.cancel()
  } catch {
    // Someone else reads it, or it is no response.
  }
}

/**
 * A cookie goes on a copy wherever possible: a handler may return one and the same Response again, and its headers must
 * not carry one user's cookie to the next. Responses that only a runtime can make, such as an upgrade's, cannot be
 * copied. `Vary` is everybody's, and a copy takes as long as all else that is done for a session that is read.
 */
function withHeaders(response: Response, headers: SessionHeaders): Response {
  if (headers.length === 0) return response
  if (headers.every(([name]) => name === 'vary')) {
    try {
      return add(headers, response)
    } catch {
      // Its headers are immutable, as those of a redirect and of another server's answer are.
    }
  }
  const isCopyable = response.status >= 200 && response.status <= 599
  return add(headers, isCopyable ? new Response(response.body, response) : response)
}

function add(headers: SessionHeaders, response: Response): Response {
  for (const [name, value] of headers) {
    if (name === 'set-cookie') response.headers.append(name, value)
    else response.headers.set(name, value)
  }
  return response
}

function errorResponse(status: ErrorStatus): Response {
  return new Response(`${status} ${STATUS_CODES[status]}\n`, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  })
}
