import type { NodeRequest } from './node.js'

/** How a request came. */
export interface Transport {
  /** By plain http, as far as can be told: no TLS here and no sign of a proxy that ended it. */
  readonly isPlainHttp: boolean
  /** By plain http from a browser on this machine. */
  readonly isLocal: boolean
}

export const SECURE: Transport = { isPlainHttp: false, isLocal: false }
export const LOCAL: Transport = { isPlainHttp: true, isLocal: true }

/** The commonest first: to look for one that is not there takes long. */
const FORWARDING_HEADERS = ['x-forwarded-proto', 'x-forwarded-for', 'forwarded', 'x-forwarded-host', 'x-real-ip', 'via']

/** Peer and Host must both be loopback: either can be what it is by a proxy, or by a forger. */
export function transportOfNode(request: NodeRequest): Transport {
  const { headers, socket } = request
  if (socket?.encrypted === true) return SECURE
  if (FORWARDING_HEADERS.some((name) => headers[name] !== undefined)) return SECURE
  const host = headers[':authority'] ?? headers['host']
  const isLocal =
    isLoopbackAddress(socket?.remoteAddress) && typeof host === 'string' && isLoopbackHost(host.replace(/:\d*$/, ''))
  return { isPlainHttp: true, isLocal }
}

/** A fetch `Request` does not know its peer. */
export function transportOfFetch(request: Request): Transport {
  const url = new URL(request.url)
  if (url.protocol !== 'http:') return SECURE
  if (FORWARDING_HEADERS.some((name) => request.headers.has(name))) return SECURE
  return { isPlainHttp: true, isLocal: isLoopbackHost(url.hostname) }
}

function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(host) || /^([a-z0-9_-]+\.)+localhost$/i.test(host)
}

function isLoopbackAddress(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address ?? '')
}
