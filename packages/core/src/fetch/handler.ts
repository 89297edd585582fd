import { SessionExchange } from '../exchange/exchange.js'
import type { CarrierContext } from '../exchange/exchanges.js'
import { invalidRequest } from '../exchange/failure.js'
import type { AnyData, Session } from '../session/session.js'
import { outgoingOf } from './outgoing.js'
import { IncomingFetchRequest } from './request.js'
import { failed, respond } from './response.js'
import type { FetchHandler } from './types.js'

/** Wraps a handler. It can then open sessions by its requests, and they are stored before its responses leave. */
export function wrapFetch<A extends readonly unknown[]>(
  context: CarrierContext,
  handler: FetchHandler<A>,
): (request: Request, ...rest: A) => Promise<Response> {
  const { exchanges, onError } = context
  return async (request, ...rest) => {
    const exchange = exchanges.get(request) ?? new SessionExchange(context, new IncomingFetchRequest(request))
    exchanges.set(request, exchange)
    const outgoing = outgoingOf(rest[0])
    let response
    try {
      response = await handler(request, ...rest)
    } catch (error) {
      const end = await failed(exchange, request, error, onError, outgoing)
      if ('thrown' in end) throw end.thrown
      return end
    }
    return respond(exchange, request, response, onError, outgoing)
  }
}

/** The session of a `Request` that a wrapped handler received. */
export function openFetch({ exchanges, schema }: CarrierContext, request: unknown): Promise<Session<AnyData>> {
  const exchange = typeof request === 'object' && request !== null ? exchanges.get(request) : undefined
  if (exchange) return exchange.openWith(schema)
  return invalidRequest(
    'open(request) takes the same Request object that sess.fetch passed to your handler. Some frameworks hand on another one ' +
      'of the same request, such as React Router after a form, or app.request() of Hono and h3. Then hand on a function with ' +
      'the request: sess.fetch((request) => handle(request, { session: () => sess.open(request) })), and call it. ' +
      'With Node, call open(req, res).',
  )
}
