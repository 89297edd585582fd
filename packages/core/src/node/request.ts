import { FORWARDING_HEADERS, type IncomingRequest, isLoopbackHost } from '../exchange/request.js'

/** The parts of a node:http, node:https or node:http2 request that are read (`req`, `request.raw`, `ctx.req`). */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly socket?: { readonly encrypted?: boolean; readonly remoteAddress?: string | undefined } | null
}

export class IncomingNodeRequest implements IncomingRequest {
  readonly #request: NodeRequest

  constructor(request: NodeRequest) {
    this.#request = request
  }

  get cookie(): string | undefined {
    const { cookie } = this.#request.headers
    return typeof cookie === 'object' ? cookie.join('; ') : cookie
  }

  get isPlainHttp(): boolean {
    const { headers, socket } = this.#request
    return socket?.encrypted !== true && FORWARDING_HEADERS.every((name) => headers[name] === undefined)
  }

  /** Both the peer and the Host must be loopback: a proxy or an attacker can make one of them loopback. */
  get isLocal(): boolean {
    const { headers, socket } = this.#request
    const host = headers[':authority'] ?? headers['host']
    if (typeof host !== 'string' || !isLoopbackHost(host.replace(/:\d*$/, ''))) return false
    return isLoopbackAddress(socket?.remoteAddress) && this.isPlainHttp
  }
}

export function isNodeRequest(value: unknown): value is NodeRequest {
  return (
    typeof value === 'object' &&
    value !== null &&
    'headers' in value &&
    typeof value.headers === 'object' &&
    value.headers !== null
  )
}

function isLoopbackAddress(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address ?? '')
}
