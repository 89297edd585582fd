import type { NodeRequest } from './node.js'

/** A request, as its session sees it. Nothing of it is looked up before it is asked for: most requests open no session. */
export interface Visit {
  /** The value of the `Cookie` header. */
  readonly cookie: string | null | undefined
  /** By plain http, as far as can be told: no TLS here and no sign of a proxy that ended it. */
  readonly isPlainHttp: boolean
  /** By plain http from a browser on this machine. */
  readonly isLocal: boolean
}

/** The commonest first: to look for one that is not there takes long. */
const FORWARDING_HEADERS = ['x-forwarded-proto', 'x-forwarded-for', 'forwarded', 'x-forwarded-host', 'x-real-ip', 'via']

export class NodeVisit implements Visit {
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

  /** Peer and Host must both be loopback: either can be what it is by a proxy, or by a forger. */
  get isLocal(): boolean {
    const { headers, socket } = this.#request
    const host = headers[':authority'] ?? headers['host']
    if (typeof host !== 'string' || !isLoopbackHost(host.replace(/:\d*$/, ''))) return false
    return isLoopbackAddress(socket?.remoteAddress) && this.isPlainHttp
  }
}

/** A fetch `Request` does not know its peer. */
export class FetchVisit implements Visit {
  readonly #request: Request

  constructor(request: Request) {
    this.#request = request
  }

  get cookie(): string | null {
    return this.#request.headers.get('cookie')
  }

  get isPlainHttp(): boolean {
    const { headers, url } = this.#request
    return url.startsWith('http:') && FORWARDING_HEADERS.every((name) => !headers.has(name))
  }

  get isLocal(): boolean {
    return this.isPlainHttp && isLoopbackHost(new URL(this.#request.url).hostname)
  }
}

function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(host) || /^([a-z0-9_-]+\.)+localhost$/i.test(host)
}

function isLoopbackAddress(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address ?? '')
}
