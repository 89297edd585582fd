import { SessionExchange } from '../exchange/exchange.js'
import type { CarrierContext } from '../exchange/exchanges.js'
import { invalidRequest } from '../exchange/failure.js'
import type { AnyData, Session } from '../session/session.js'
import { toDictionaryMode } from './dictionary-mode.js'
import { Gate } from './gate.js'
import { IncomingNodeRequest, isNodeRequest } from './request.js'
import { isNodeResponse } from './response.js'

/** The session of a request of Node. The first call installs a gate on the response. */
export function openNode(context: CarrierContext, request: unknown, response: unknown): Promise<Session<AnyData>> {
  if (!isNodeRequest(request) || !isNodeResponse(response)) {
    return invalidRequest(
      "open(req, res) takes Node's own request and response: req, res in Express; request.raw, reply.raw in Fastify; ctx.req, ctx.res in Koa.",
    )
  }
  let exchange = context.exchanges.get(response)
  if (exchange === undefined) {
    exchange = new SessionExchange(context, new IncomingNodeRequest(request))
    toDictionaryMode(response)
    context.exchanges.set(response, exchange)
    if (response.headersSent) exchange.seal()
    else new Gate(response, exchange, context.onError).install()
  }
  return exchange.openWith(context.schema)
}
