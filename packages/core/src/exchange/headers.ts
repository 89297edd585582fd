import type { Headers, SeenHeaders } from './types.js'

/**
 * The session's headers, merged with those of the response: its own `Vary` and `Cache-Control` are kept as far as they
 * may be, and what CDNs heed before `Cache-Control` is overridden.
 */
export function mergeHeaders(headers: Headers, seen: SeenHeaders): Headers {
  const merged: (readonly [string, string])[] = []
  for (const [name, value] of headers) {
    if (name === 'vary') merged.push([name, varyFor(seen.vary)])
    else if (name === 'cache-control')
      merged.push([name, cacheControlFor(seen.cacheControl)], ...cdnHeadersFor(seen.names ?? []))
    else merged.push([name, value])
  }
  return merged
}

const CACHE_DIRECTIVES = /(?:[^,"]|"(?:\\.|[^"\\])*")+/g

/**
 * `Cache-Control` for a response that sets a session's cookie. No shared cache may store it (RFC 9111, 5.2.2). The
 * application's own value is overridden, since frameworks set `public` automatically.
 */
function cacheControlFor(seen: string | undefined): string {
  if (seen === undefined) return 'private'
  const directives = (seen.match(CACHE_DIRECTIVES) ?? [])
    .map((directive) => directive.trim())
    .filter((directive) => directive !== '' && !/^(public|private|s-maxage\s*=.*)$/i.test(directive))
  return ['private', ...directives].join(', ')
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

/**
 * The headers by which a response that sets a session's cookie is kept out of the caches of CDNs, which heed their own
 * header before `Cache-Control` (RFC 9213). `names` are the headers of the response.
 */
function cdnHeadersFor(names: Iterable<string>): readonly (readonly [name: string, value: string])[] {
  const headers: (readonly [string, string])[] = []
  for (const name of names) {
    const lower = name.toLowerCase()
    if (CDN_HEADER.test(lower)) headers.push([lower, lower === 'x-accel-expires' ? '0' : 'no-store'])
  }
  return headers
}
