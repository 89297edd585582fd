import { type Head, headerEntries, putHeaders, SeenHead } from '../exchange/head.js'
import { type Demand, mergeHeaders } from '../exchange/headers.js'

/** What a Response of a fetch handler is written to: a response of Node. */
export interface Outgoing extends Head {
  readonly headersSent: boolean
  writeHead(...args: readonly unknown[]): unknown
}

/**
 * The response of Node in what a server passes to a fetch handler after the request: `@hono/node-server` passes
 * `{ incoming, outgoing }`. `undefined`: there is none.
 */
export function outgoingOf(bindings: unknown): Outgoing | undefined {
  if (typeof bindings !== 'object' || bindings === null || !('outgoing' in bindings)) return undefined
  const { outgoing } = bindings
  return isOutgoing(outgoing) ? outgoing : undefined
}

function isOutgoing(value: unknown): value is Outgoing {
  return (
    typeof value === 'object' &&
    value !== null &&
    'headersSent' in value &&
    'getHeaderNames' in value &&
    'writeHead' in value
  )
}

/** Adds the session's headers to the head that the server, or Node itself, is going to write with `writeHead`. */
export function addToHead(outgoing: Outgoing, demand: Demand): void {
  const writeHead = outgoing.writeHead.bind(outgoing)
  outgoing.writeHead = (status, ...rest) => {
    outgoing.writeHead = writeHead
    for (const [name, value] of headerEntries(rest.at(-1))) outgoing.setHeader(name, value)
    putHeaders(outgoing, mergeHeaders(demand, new SeenHead(outgoing)))
    return writeHead(status, ...rest.filter((given) => typeof given === 'string'))
  }
}
