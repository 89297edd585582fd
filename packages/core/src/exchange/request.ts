/** What a session needs to know of its request. Each property is computed when it is read: most requests open no session. */
export interface IncomingRequest {
  /** The value of the `Cookie` header. */
  readonly cookie: string | null | undefined
  /** The request came by plain http, as far as can be told: no TLS here, and no sign of a proxy that ended it. */
  readonly isPlainHttp: boolean
  /** The request came by plain http from a browser on this machine. */
  readonly isLocal: boolean
}

/** The most common one first: to look for a header that is absent takes longest. */
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
