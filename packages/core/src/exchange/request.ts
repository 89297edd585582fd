/** What a session needs to know about its request. Properties are computed on access: most requests open no session. */
export interface IncomingRequest {
  /** The value of the `Cookie` header. */
  readonly cookie: string | null | undefined
  /** The host that the browser asked, without the port. `undefined`: it is unknown, since a proxy may have replaced it. */
  readonly host: string | undefined
  /** The request seems to have come over plain http. */
  readonly isPlainHttp: boolean
  /** The request came over plain http from a browser on this machine. */
  readonly isLocal: boolean
}

/** The most common one comes first: looking up a header that is absent takes longest. */
const FORWARDING_HEADERS: readonly string[] = [
  'x-forwarded-proto',
  'x-forwarded-for',
  'forwarded',
  'x-forwarded-host',
  'x-real-ip',
  'via',
]

/** RFC 7239, of the first proxy: `proto=https`, `proto="https"`. */
const FORWARDED_PROTO = /^[^,]*?\bproto\s*=\s*"?([a-z]+)/i

/** Returns the value of a request's header. The name is in lower case. */
export type HeaderOf = (name: string) => string | null | undefined

/**
 * Whether a request seems to have come over plain http. A proxy may state what the browser used; a proxy that does not
 * leaves it open, and then the answer is no.
 */
export function isPlainHttp(headerOf: HeaderOf, isEncrypted: boolean): boolean {
  const stated = statedProtocol(headerOf)
  if (stated === 'http' || stated === 'ws') return true
  return !isEncrypted && !isForwarded(headerOf)
}

/** Whether a proxy says that it passed the request on. */
export function isForwarded(headerOf: HeaderOf): boolean {
  return FORWARDING_HEADERS.some((name) => typeof headerOf(name) === 'string') && !isSaidToBeLocal(headerOf)
}

/**
 * Whether the forwarding headers say no more than that a browser on this machine asked this host over plain http. Next adds
 * such headers itself to each request that has none.
 */
function isSaidToBeLocal(headerOf: HeaderOf): boolean {
  if (headerOf('x-forwarded-proto') !== 'http') return false
  if (['forwarded', 'x-real-ip', 'via'].some((name) => typeof headerOf(name) === 'string')) return false
  const host = headerOf('x-forwarded-host')
  return host === headerOf('host') && LOOPBACK_PEER.test(headerOf('x-forwarded-for') ?? '')
}

const LOOPBACK_PEER = /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/

/** If there are several proxies, the first one counts: the browser connects to it. */
function statedProtocol(headerOf: HeaderOf): string | undefined {
  const stated = headerOf('x-forwarded-proto') ?? FORWARDED_PROTO.exec(headerOf('forwarded') ?? '')?.[1]
  if (stated === 'https') return stated
  return stated?.split(',', 1)[0]?.trim().toLowerCase()
}

/**
 * Whether `Origin` or `Referer` names a page of https, or of another machine. Then a proxy has replaced the browser's
 * `Host` by its own name for this server. Any other value, such as `null`, says nothing about the page.
 */
export function isFromElsewhere(headerOf: HeaderOf): boolean {
  return ['origin', 'referer'].some((name) => {
    const value = headerOf(name)
    if (typeof value !== 'string' || !URL.canParse(value)) return false
    const { protocol, hostname } = new URL(value)
    return protocol === 'https:' || (hostname !== '' && !isLoopbackHost(hostname))
  })
}

/** `host` has no port. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(host) || /^([a-z0-9_-]+\.)+localhost$/i.test(host)
}
