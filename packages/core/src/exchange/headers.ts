import type { Headers, SeenHeaders } from './types.js'

/**
 * What becomes of shared caches. `'allowed'`: what the response says. `'withdrawn'`: a response that speaks of caches keeps
 * shared ones out; one that does not stays silent. `'forbidden'`: no shared cache may store it (RFC 9111, 5.2.2).
 */
type Sharing = 'allowed' | 'withdrawn' | 'forbidden'

/** What a session asks of the head of its response, whatever that has. */
export interface Demand {
  /** The lines of `Set-Cookie`. */
  readonly cookies: readonly string[]
  readonly sharing: Sharing
  /** The response depends on the request's cookie. */
  readonly varies: boolean
}

export const NO_DEMAND: Demand = { cookies: [], sharing: 'allowed', varies: false }
/** The session was used, and was empty: every visitor without a session gets the same response. */
export const STRANGER: Demand = { cookies: [], sharing: 'allowed', varies: true }
/** A session that was there has been used: the response is one visitor's. */
export const PERSONAL: Demand = { cookies: [], sharing: 'withdrawn', varies: true }

/**
 * The session's headers, merged with those of the response: its own `Vary` and `Cache-Control` are kept as far as they
 * may be, and what CDNs heed before `Cache-Control` is overridden. `public` is not kept: frameworks set it by themselves.
 */
export function mergeHeaders({ cookies, sharing, varies }: Demand, seen: SeenHeaders): Headers {
  const merged: (readonly [string, string])[] = []
  for (const cookie of cookies) merged.push(['set-cookie', cookie])
  if (sharing !== 'allowed') {
    const { cacheControl } = seen
    if (sharing === 'forbidden' || (cacheControl !== undefined && mayBeShared(cacheControl)))
      merged.push(['cache-control', privateFrom(cacheControl)])
    addCdnHeaders(merged, seen.names)
  }
  if (varies) merged.push(['vary', varyFor(seen.vary)])
  return merged
}

const CACHE_DIRECTIVES = /(?:[^,"]|"(?:\\.|[^"\\])*")+/g
const SHARED = /^(?:public|s-maxage\s*=.*)$/i
const UNSHARED = /^(?:private|no-store)$/i

function directivesOf(cacheControl: string): readonly string[] {
  const directives = cacheControl.match(CACHE_DIRECTIVES) ?? []
  return directives.map((directive) => directive.trim()).filter((directive) => directive !== '')
}

function mayBeShared(cacheControl: string): boolean {
  const directives = directivesOf(cacheControl)
  return directives.some((each) => SHARED.test(each)) || !directives.some((each) => UNSHARED.test(each))
}

function privateFrom(cacheControl = ''): string {
  const kept = directivesOf(cacheControl).filter((each) => !SHARED.test(each) && !/^private$/i.test(each))
  return ['private', ...kept].join(', ')
}

/** `Vary` for a response that depends on the session. */
function varyFor(seen: string | undefined): string {
  if (seen === undefined) return 'Cookie'
  const fields = seen
    .split(',')
    .map((field) => field.trim())
    .filter((field) => field !== '')
  if (fields.includes('*') || fields.some((field) => field.toLowerCase() === 'cookie')) return fields.join(', ')
  return [...fields, 'Cookie'].join(', ')
}

const CDN_HEADER = /^(?:.+-cache-control|surrogate-control|edge-control|x-accel-expires)$/

/** Keeps a response out of the caches of CDNs, which heed their own header before `Cache-Control` (RFC 9213). */
function addCdnHeaders(merged: (readonly [string, string])[], names: Iterable<string> = []): void {
  for (const name of names) {
    const lower = name.toLowerCase()
    // Almost no header ends like one of these, and to see that costs less than the expression.
    if (!lower.endsWith('control') && !lower.endsWith('expires')) continue
    if (CDN_HEADER.test(lower)) merged.push([lower, lower === 'x-accel-expires' ? '0' : 'no-store'])
  }
}
