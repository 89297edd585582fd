/** What a session needs to know about its request. Properties are computed on access: most requests open no session. */
export interface IncomingRequest {
  /** The value of the `Cookie` header. */
  readonly cookie: string | null | undefined
  /** The request seems to have come over plain http: no TLS on its connection, and no header from a proxy. */
  readonly isPlainHttp: boolean
  /** The request came over plain http from a browser on this machine. */
  readonly isLocal: boolean
}

/** The most common one comes first: looking up a header that is absent takes longest. */
export const FORWARDING_HEADERS: readonly string[] = [
  'x-forwarded-proto',
  'x-forwarded-for',
  'forwarded',
  'x-forwarded-host',
  'x-real-ip',
  'via',
]

/** `host` has no port. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(host) || /^([a-z0-9_-]+\.)+localhost$/i.test(host)
}
