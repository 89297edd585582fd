import { type IncomingRequest, isForwarded, isFromElsewhere, isLoopbackHost, isPlainHttp } from '../exchange/request.js'

/** The parts of a node:http, node:https or node:http2 request that are read (`req`, `request.raw`, `ctx.req`). */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly httpVersion?: string
  readonly socket?: { readonly encrypted?: boolean; readonly remoteAddress?: string | undefined } | null
}

export class IncomingNodeRequest implements IncomingRequest {
  readonly #request: NodeRequest
  /** Found out once: the cookie that is set must have the name of the one that was read. */
  #isLocal: boolean | undefined
  #isForwarded: boolean | undefined

  constructor(request: NodeRequest) {
    this.#request = request
  }

  get cookie(): string | undefined {
    const { cookie } = this.#request.headers
    return typeof cookie === 'object' ? cookie.join('; ') : cookie
  }

  get host(): string | undefined {
    return this.#cameByProxy ? undefined : this.#host
  }

  get isPlainHttp(): boolean {
    return isPlainHttp((name) => this.#header(name), this.#isEncrypted)
  }

  /**
   * Both the peer and the Host must be loopback: a proxy or an attacker can make one of them loopback. A proxy that
   * speaks HTTP/1.0, as older versions of nginx do by default, makes both of them loopback and sends no header of its
   * own; browsers speak HTTP/1.1.
   */
  get isLocal(): boolean {
    return (this.#isLocal ??= this.#findIsLocal())
  }

  #findIsLocal(): boolean {
    const { socket, httpVersion } = this.#request
    const host = this.#host
    if (host === undefined || !isLoopbackHost(host)) return false
    if (this.#isEncrypted || !isLoopbackAddress(socket?.remoteAddress) || isBefore11(httpVersion)) return false
    return !this.#cameByProxy && !isFromElsewhere((name) => this.#header(name))
  }

  get #cameByProxy(): boolean {
    return (this.#isForwarded ??= isForwarded((name) => this.#header(name)))
  }

  get #host(): string | undefined {
    const { headers } = this.#request
    const host = headers[':authority'] ?? headers['host']
    return typeof host === 'string' ? host.replace(/:\d*$/, '') : undefined
  }

  get #isEncrypted(): boolean {
    return this.#request.socket?.encrypted === true
  }

  #header(name: string): string | undefined {
    const value = this.#request.headers[name]
    return typeof value === 'object' ? value.join(', ') : value
  }
}

/** Whether the connection of a request, or its stream of http2, is closed. */
export function isClosed(request: NodeRequest): boolean {
  return [Reflect.get(request, 'stream'), request.socket].some(isDestroyed)
}

function isDestroyed(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'destroyed' in value && value.destroyed === true
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

function isBefore11(httpVersion: string | undefined): boolean {
  return httpVersion === '1.0' || httpVersion === '0.9'
}
