import { isError } from '../error.js'
import type { SessionExchange } from '../exchange/exchange.js'
import { storedCookies } from '../exchange/exchanges.js'
import { failureResponse, isKeptOnFailure } from '../exchange/failure.js'
import { type Demand, mergeHeaders, NO_DEMAND } from '../exchange/headers.js'
import type { Headers as SessionHeaders, SeenHeaders } from '../exchange/types.js'
import { addToHead, type Outgoing } from './outgoing.js'

/**
 * Stores the session of a handled request and resolves with the response and the session's headers, or with an error
 * response if the session could not be stored. `outgoing` is what the response will be written to, if that is known.
 */
export async function respond(
  exchange: SessionExchange,
  request: Request,
  response: Response,
  onError: (error: unknown) => void,
  outgoing?: Outgoing,
): Promise<Response> {
  try {
    return withHeaders(response, outgoing, await exchange.commitNow(response.status))
  } catch (error) {
    onError(error)
    void cancelBody(response)
    return errorResponse(request, error, response)
  }
}

/**
 * Ends the session of a handler that threw: nothing is stored except a `destroy`. Resolves with the response to answer
 * with or, in `thrown`, with what to throw. A cookie of what is stored already goes on a `Response` that was thrown.
 * An error cannot carry it, so then the answer is made here.
 */
export async function failed(
  exchange: SessionExchange,
  request: Request,
  thrown: unknown,
  onError: (error: unknown) => void,
  outgoing?: Outgoing,
): Promise<Response | { readonly thrown: unknown }> {
  exchange.discard()
  if (isResponse(thrown)) return { thrown: await respond(exchange, request, thrown, onError, outgoing) }
  await exchange.commit(500).catch(onError)
  if (!exchange.cookie?.value) return { thrown }
  onError(thrown)
  return errorResponse(request, thrown)
}

/** Checks the shape, since some runtimes and test environments have another class `Response`. */
function isResponse(value: unknown): value is Response {
  if (typeof value !== 'object' || value === null || isError(value)) return false
  return 'status' in value && 'body' in value && 'headers' in value && value.headers instanceof Object
}

/** Reads the headers only if the session has a header to send: for some responses, reading creates the `Headers`. */
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

  get names(): Iterable<string> {
    return this.#response.headers.keys()
  }
}

/** Releases the body's source, such as a file or another server's response. */
async function cancelBody(response: Response): Promise<void> {
  try {
    await response.body?.cancel()
  } catch {
    // The body is locked by a reader, or this is not a real Response.
  }
}

/**
 * A handler may return the same Response again, and what is one visitor's must not reach the next one. So a cookie goes on
 * what the response is written to, or else on a copy, and so does `private`. A response that only the runtime can make,
 * such as an upgrade, cannot be copied. `Vary` is the same for every user, and all else costs as much as the rest of a
 * read-only session, so it goes on the response itself.
 */
function withHeaders(response: Response, outgoing: Outgoing | undefined, demand: Demand): Response {
  if (demand === NO_DEMAND) return response
  const headers = mergeHeaders(demand, new SeenOf(response))
  if (headers.every(([name]) => name === 'vary')) {
    try {
      return add(headers, response)
    } catch {
      // The headers of a redirect, or of another server's response, are immutable.
    }
  }
  if (outgoing !== undefined && !outgoing.headersSent) {
    addToHead(outgoing, demand)
    return response
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

function errorResponse(request: Request, error: unknown, replaced?: Response): Response {
  const { status, body, contentType, cacheControl } = failureResponse(error)
  const headers = replaced === undefined ? new Headers() : keptHeaders(replaced)
  headers.set('content-type', contentType)
  headers.set('cache-control', cacheControl)
  for (const cookie of storedCookies(request)) headers.append('set-cookie', cookie)
  return new Response(body, { status, headers })
}

function keptHeaders(response: Response): Headers {
  const headers = new Headers()
  try {
    for (const [name, value] of response.headers) if (isKeptOnFailure(name)) headers.append(name, value)
  } catch {
    // This is not a real Response.
  }
  return headers
}
