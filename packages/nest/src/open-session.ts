import type { ExecutionContext } from '@nestjs/common'
import type { NodeRequest, NodeResponse, Session, Sessions, Storable } from '@sess/core'
import { SessError } from '@sess/core/adapter'

/** The session of an HTTP request, on Express and on Fastify. */
export async function openSession<D extends Storable<D>>(
  sess: Sessions<D> | undefined,
  context: ExecutionContext,
): Promise<Session<D>> {
  if (sess === undefined) throw notImported()
  const type = context.getType<string>()
  if (type !== 'http') throw notHttp(type)
  const http = context.switchToHttp()
  return sess.open(rawOf<NodeRequest>(http.getRequest()), rawOf<NodeResponse>(http.getResponse()))
}

/** Fastify wraps Node's request and response, Express extends them. */
function rawOf<Raw extends object>(given: Raw | { readonly raw: Raw }): Raw {
  return 'raw' in given ? given.raw : given
}

function notImported(): SessError {
  return new SessError(
    'INVALID_OPTION',
    'SessModule is not imported. Add it to the root module: ' +
      "imports: [SessModule.forRoot(() => sessions('redis', { secret, url }))].",
  )
}

function notHttp(type: string): SessError {
  const advice =
    type === 'graphql'
      ? 'In a resolver, open it with sess.open(req, res) of the GraphQL context.'
      : 'In a gateway, read it with sess.read(request), of the request that became the socket.'
  return new SessError(
    'INVALID_REQUEST',
    `@sess/nest opens the sessions of HTTP requests; this is a ${type} context. ${advice}`,
  )
}
