import { STATUS_CODES } from 'node:http'
import { type ErrorStatus, isSessError } from './error.js'
import type { Headers as SessionHeaders, SessionExchange } from './exchange.js'

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
    const headers = await exchange.finish(response.status, {
      vary: response.headers.get('vary') ?? undefined,
      cacheControl: response.headers.get('cache-control') ?? undefined,
    })
    return withHeaders(response, headers)
  } catch (error) {
    onError(error)
    void giveUp(response)
    return errorResponse(isSessError(error) ? error.status : 500)
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
 * On a copy wherever possible: a handler may return one and the same Response again, and its headers
 * must not carry one user's cookie to the next. Responses that only a runtime can make, such as an
 * upgrade's, cannot be copied.
 */
function withHeaders(response: Response, headers: SessionHeaders): Response {
  if (headers.length === 0) return response
  const isCopyable = response.status >= 200 && response.status <= 599
  const result = isCopyable ? new Response(response.body, response) : response
  for (const [name, value] of headers) {
    if (name === 'set-cookie') result.headers.append(name, value)
    else result.headers.set(name, value)
  }
  return result
}

function errorResponse(status: ErrorStatus): Response {
  return new Response(`${status} ${STATUS_CODES[status]}\n`, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  })
}
